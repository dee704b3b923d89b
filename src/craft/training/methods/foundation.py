"""The foundation as it is, prompted with the label."""

from typing import Literal

from pydantic import Field

from craft.training.methods.base import MethodSettings


class FoundationMethod(MethodSettings):
    """The foundation as it is; nothing is trained."""

    kind: Literal["foundation"] = Field(description="the foundation as it is")
    start: None = Field(None, description="null: nothing is trained")


METHOD = FoundationMethod
