"""What a run needs before its first job: models, the data of every dataset, and knowledge of every label."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from craft.core.errors import LISTED, CraftError, list_names
from craft.core.reading import YAML_LOADER, reading
from craft.models.hub import check_source
from craft.pipeline.config import Config


def check_inputs(config: Config) -> None:
    """Look for what no job can do without, before one starts.

    Raises:
        CraftError: one sentence that names the key of a model, or the dataset, and what is missing.
    """
    for key, path in model_sources(config):
        try:
            check_source(path)
        except CraftError as error:
            raise CraftError(f"`{key}`: {error}") from error
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


def model_sources(config: Config) -> Iterator[tuple[str, str]]:
    """Keys and paths of all models that are loaded from a folder or the hub."""
    if config.foundation and config.foundation.source:
        yield "foundation.path" if config.foundation.path else "foundation.train.start", config.foundation.source
    for section in ("evaluators", "encoders"):
        for name, model in getattr(config, section).items():
            # a bare name may be that of a package, where another loader reads it
            if model.path and (model.loader == "transformers" or "/" in model.path):
                yield f"{section}.{name}.path", model.path
    if config.phantom_classifier and config.phantom_classifier.path:
        yield "phantom_classifier.path", config.phantom_classifier.path
    for name, method in config.with_ablations().methods.items():
        if decoder := getattr(method, "tiny_decoder", None):
            yield f"methods.{name}.tiny_decoder", decoder


def explain_lack(path: Path, modality: str, lacking: list[str], known: list[str]) -> str:
    """What to do about labels without knowledge."""
    if not path.is_file():
        keys = " ".join(lacking)
        command = f"craft knowledge new {modality} {keys if len(keys) <= LISTED else 'LABEL...'} --output {path}"
        return (
            f"no knowledge file {path} of the modality {modality!r}: begin one with `{command}`, or correct `modality`"
            " or `knowledge`"
        )
    return (
        f"the knowledge file {path} has no entry for {list_names(map(repr, lacking))}; add one there, or remove it from"
        f" `labels` (the file knows {list_names(known) or 'no label'})"
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
