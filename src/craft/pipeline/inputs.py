"""What a run needs before its first job: the data of every dataset, and knowledge of every label."""

from pathlib import Path

import yaml

from craft.core.errors import CraftError
from craft.core.reading import YAML_LOADER, reading
from craft.pipeline.config import Config


def check_inputs(config: Config) -> None:
    """Look for what no job can do without, before one starts.

    Raises:
        CraftError: one sentence that names the dataset and what is missing.
    """
    known: dict[Path, list[str]] = {}
    for name, dataset in config.datasets.items():
        # a prepared dataset needs its raw files no more
        if not (Path(config.results) / name / "images.parquet").is_file():
            try:
                dataset.require_data()
            except CraftError as error:
                raise CraftError(f"`datasets.{name}`: {error}") from error
        if config.knowledge.provider == "bank":
            path = Path(config.knowledge.folder) / f"{dataset.modality}.yaml"
            labels = known.setdefault(path, described_labels(path)) if path.is_file() else []
            if lacking := [label for label in dataset.labels if label not in labels]:
                raise CraftError(f"`datasets.{name}`: {explain_lack(path, dataset.modality, lacking, labels)}")


def explain_lack(path: Path, modality: str, lacking: list[str], known: list[str]) -> str:
    """What to do about labels without knowledge."""
    named = ", ".join(map(repr, lacking))
    if not path.is_file():
        return (
            f"no knowledge file {path} of the modality {modality!r}, for the labels {named}: write one that"
            f" `craft knowledge new {modality} {' '.join(lacking)} --output {path}` begins, or correct `modality` or"
            " `knowledge`"
        )
    return (
        f"the knowledge file {path} has no entry for {named}; add one there, or remove it from `labels` (the file knows"
        f" {', '.join(known) or 'no label'})"
    )


def described_labels(path: Path) -> list[str]:
    """Keys of the labels of a knowledge file, whose texts are not looked at.

    Raises:
        CraftError: if it is no YAML.
    """
    with reading(path, "a knowledge file", "correct it, or name another `knowledge` folder"):
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
    fields = root.value if isinstance(root, yaml.MappingNode) else []
    labels = next((value for key, value in fields if key.value == "labels"), None)
    return [str(key.value) for key, _ in labels.value] if isinstance(labels, yaml.MappingNode) else []
