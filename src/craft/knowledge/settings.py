"""Where clinical knowledge and answers about images come from: the reviewed bank, or a language model."""

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from craft.core.settings import JobSettings, PathText, Positive, Strict


class LanguageModelSettings(Strict):
    """A language model, how it is asked and where its answers are kept."""

    provider: Literal["openai", "transformers"] = Field(
        description="openai: any endpoint of that interface; transformers: a local model"
    )
    model: str = Field(min_length=1, description="the endpoint's name of the model; or a local folder or hub id")
    base_url: str | None = Field(None, description="endpoint of provider openai; null for that of OpenAI")
    key_variable: str = Field("OPENAI_API_KEY", description="environment variable that holds the endpoint's key")
    cache: PathText = Field(
        "data/knowledge/answers", description="folder of the answers, which replays them when committed"
    )
    re_asks: int = Field(2, ge=0, le=10, description="how often an unusable answer is asked for again")
    timeout: float = Field(120, gt=0, description="seconds that an endpoint has for one answer")
    retries: int = Field(4, ge=0, le=20, description="how often a busy or silent endpoint is tried again")
    temperature: float | None = Field(
        0, ge=0, le=2, description="of provider openai, 0 for the likeliest answer; null where a model takes none"
    )
    max_tokens: Positive | None = Field(None, description="longest answer; null for the endpoint's own, 2048 locally")
    images_may_leave: bool = Field(
        False, description="whether images may be sent to any endpoint, one on this machine included"
    )

    @field_validator("key_variable")
    @classmethod
    def key_variable_is_a_name(cls, name: str) -> str:
        # the value is not repeated, since it may be the key itself
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise ValueError(
                "this is no name of an environment variable; write for example `key_variable: OPENAI_API_KEY`"
                " and keep the key itself in that variable"
            )
        return name

    @field_validator("base_url")
    @classmethod
    def base_url_is_an_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://host")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
            raise ValueError(
                "this is no address of an endpoint without user, password and query; write for example"
                " `base_url: http://localhost:8000/v1`"
            )
        return url


class KnowledgeSettings(LanguageModelSettings):
    """Where the descriptions and checklists of the labels come from."""

    provider: Literal["bank", "openai", "transformers"] = Field(
        "bank", description="bank: the reviewed files of `folder`; the others ask a language model"
    )
    model: str | None = Field(None, min_length=1, description="needed by all providers but the bank")
    folder: PathText = Field("data/knowledge", description="folder of the bank, one file per modality")
    reference_images: int = Field(0, ge=0, le=8, description="training images of the label shown with each question")

    @property
    def asks_with_images(self) -> bool:
        """Whether a language model is shown training images."""
        return self.provider != "bank" and self.reference_images > 0

    @model_validator(mode="after")
    def model_and_images_fit(self) -> Self:
        if self.provider != "bank" and self.model is None:
            raise ValueError(f"the provider {self.provider!r} needs a model; write for example `model: name`")
        if self.provider == "openai" and self.reference_images and not self.images_may_leave:
            raise ValueError(
                "reference images would be sent to the endpoint; write `reference_images: 0`, or"
                " `images_may_leave: true` where the data's terms allow it"
            )
        return self


def read_folder(value: Any) -> Any:
    """A plain string is the folder of the bank."""
    return {"folder": value} if isinstance(value, str) else value


KnowledgeSection = Annotated[
    KnowledgeSettings, BeforeValidator(read_folder, json_schema_input_type=str | KnowledgeSettings)
]


class KnowledgeJob(JobSettings):
    """What `write_knowledge` needs to know."""

    dataset: str = Field(description="name of the dataset")
    modality: str = Field(description="kind of image; names the file of the bank")
    labels: list[str] = Field(description="labels of the dataset, in order")
    knowledge: KnowledgeSettings = Field(description="the configuration's section `knowledge`")
