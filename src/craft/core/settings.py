"""What all settings share: the strict base class, types of values, and the settings file that every job takes.

Each room describes its section of the configuration and the settings of its jobs; `craft.pipeline` composes the
configuration of a run and resolves it into one small YAML file for each job, which holds all that the job needs to know
and nothing else.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from craft.core.errors import CraftError, explain_validation
from craft.core.reading import read_yaml
from craft.core.registry import load_extensions

NAME = r"^[a-z][a-z0-9_]*$"
# names become parts of file names, of which most file systems take 255 bytes
Name = Annotated[str, Field(pattern=NAME, max_length=80)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Role = Literal["reward", "monitor", "held_out"]
# the methods under which the real test images stand in every table, as they are and sent through the autoencoder
REAL, DECODED = "real", "decoded"
# what no generator made: the marks that methods are held against
CONTROLS = (REAL, DECODED)


# what Linux takes
LONGEST_PATH, LONGEST_NAME = 4000, 255


def require_path(path: str) -> str:
    """A path as it is; a ValueError where no file can have it."""
    parts = path.split("/")
    if not path or "\0" in path or len(path) > LONGEST_PATH or max(len(part.encode()) for part in parts) > LONGEST_NAME:
        raise ValueError(
            f"no file can have this path: write 1 to {LONGEST_PATH} characters, between two slashes at most"
            f" {LONGEST_NAME} bytes, and no zero byte"
        )
    return path


PathText = Annotated[str, AfterValidator(require_path)]


class Strict(BaseModel):
    """Base of all settings: unknown keys are errors, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageSet(Strict):
    """The images of one method and seed; the real test images are the sets `real` and `decoded` with seed 0."""

    method: str = Field(description="name of the method")
    seed: int = Field(description="seed of the generator")


class JobSettings(Strict):
    """Base of all jobs' settings.

    Attributes:
        modules: what the job looks up by name in a registry: modules of this library, and files of extensions. Their
            code belongs to the identity of the job.
    """

    modules: list[str] = Field([], description="modules and extension files that the job finds by name")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a settings file, after the extensions that it names.

        Raises:
            CraftError: if it is missing or does not fit the job.
        """
        if not Path(path).is_file():
            raise CraftError(f"no settings file {path}: `snakemake -n` writes it from the configuration")
        raw = read_yaml(path, "`snakemake -n` writes it from the configuration")
        modules = raw.get("modules") if isinstance(raw, dict) else None
        load_extensions([name for name in modules if isinstance(name, str)] if isinstance(modules, list) else [])
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise CraftError(f"{path} does not fit this job: {explain_validation(error)}") from error

    def to_yaml(self) -> str:
        """The settings as YAML, in the order of the class."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=120)

    def save(self, path: Path) -> None:
        """Write the settings, so that a result says what it was made with."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


def match_files(sets: list[ImageSet], paths: list[Path], what: str) -> list[tuple[ImageSet, Path]]:
    """Each image set with its file.

    Args:
        sets: of the job's settings.
        paths: one file for each of them, in the same order.
        what: the option that gave the files, for the message.

    Raises:
        CraftError: if there are more or fewer files than sets.
    """
    if len(sets) != len(paths):
        raise CraftError(
            f"the settings name {len(sets)} image sets, but `{what}` gives {len(paths)} files; give one each"
        )
    return list(zip(sets, paths, strict=True))
