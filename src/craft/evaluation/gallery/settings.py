"""Settings of the job that makes the gallery."""

from pydantic import Field

from craft.evaluation.settings import Run


class GalleryJob(Run):
    """What `make_gallery` needs to know: the run, and what may be shown of it."""

    notice: str = Field(description="what plays the part of real images")
    modalities: dict[str, str] = Field(description="modality by dataset")
    shown: list[str] = Field(description="datasets whose own images may be shown, as they are and decoded")
