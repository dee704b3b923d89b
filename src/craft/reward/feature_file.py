"""Reading feature files and calibrations: shapes, numbers and names are checked before anything rests on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from craft.core.errors import CraftError
from craft.core.reading import open_tensors, read_json
from craft.core.rows import IDS, require_rows, unpack_ids
from craft.knowledge.schema import Knowledge
from craft.reward.cas import Logistic

RULE = "encode_images"
AGAIN = f"run `snakemake --forcerun {RULE}`"
FIT_AGAIN = "run `snakemake --forcerun calibrate_cas`"
DAMAGED_IDS, IMAGE_SPLITS = "damaged_ids", "image_splits"
INTERCEPTS = "intercepts"
# of a 32-bit float, as which numbers are used
LARGEST = 3e38


def read_features(path: Path, knowledge: Knowledge) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """All entries of a feature file (`craft.reward.features`), the ids of its images, and those of the damaged ones.

    Raises:
        CraftError: if the file is damaged, lacks what every feature file has, or an entry has another shape than the
            images and the knowledge ask for.
    """
    with open_tensors(path, AGAIN) as file:
        names = list(file.keys())
        if lacking := [key for key in (IDS, IMAGE_SPLITS, DAMAGED_IDS) if key not in names]:
            raise CraftError(f"{path} has no {lacking[0]!r}; {AGAIN}")
        tensors = {name: file.get_tensor(name) for name in names}
        ids, damaged = unpack_ids(tensors[IDS]), unpack_ids(tensors[DAMAGED_IDS])
    entries = {name: tensor for name, tensor in tensors.items() if "/" in name}
    for ending, rows in (("/images", len(ids)), ("/damaged", len(damaged))):
        require_rows(path, {name: entry for name, entry in entries.items() if name.endswith(ending)}, rows, RULE)
    for name, tensor in entries.items():
        model, _, key = name.partition("/")
        kind, _, label = key.partition("/")
        if kind == "scale" and not (tensor.numel() == 1 and tensor.isfinite().all()):
            raise CraftError(f"{path}: {name!r} is not one finite number; {AGAIN}")
        if label in knowledge.labels:
            signs = len(knowledge.labels[label].checklist)
            require_rows(path, {name: tensor}, signs if kind in ("present", "absent") else len(tensor), RULE)
        require_width(path, name, tensor, entries.get(f"{model}/images"))
    return tensors, ids, damaged


def require_width(path: Path, name: str, tensor: Tensor, images: Tensor | None) -> None:
    """Raise a CraftError if rows of a model are not as wide as its images'."""
    if tensor.dim() == 2 and images is not None and tensor.shape[1] != images.shape[1]:
        raise CraftError(f"{path}: {name!r} is {tensor.shape[1]} numbers wide, its images {images.shape[1]}; {AGAIN}")


def read_calibration(path: Path, evaluators: list[str]) -> dict[str, Any]:
    """Read a calibration file.

    Raises:
        CraftError: if it is missing or damaged, or an evaluator is not in it.
    """
    if not Path(path).is_file():
        raise CraftError(f"no calibration {path}: run `snakemake {path}` first")
    calibration = read_json(path, FIT_AGAIN)
    if not isinstance(calibration, Mapping):
        raise CraftError(f"{path} is no calibration of evaluators by name; {FIT_AGAIN}")
    if missing := [name for name in evaluators if not isinstance(calibration.get(name), Mapping)]:
        raise CraftError(f"{path} has no calibration of evaluator {missing[0]!r}; {FIT_AGAIN}")
    return calibration


def read_map(numbers: Any, labels: list[str], evaluator: str) -> Logistic:
    """One dimension's map as `calibration_to_json` writes it.

    Args:
        numbers: of the map.
        labels: names of the labels, in order.
        evaluator: whose map it is, for messages.

    Raises:
        CraftError: if it is no such map, or does not hold an intercept for every label.
    """
    intercepts = numbers.get(INTERCEPTS) if isinstance(numbers, Mapping) else None
    if not isinstance(intercepts, Mapping) or set(numbers) != set(Logistic.__dataclass_fields__):
        raise CraftError(f"the calibration of evaluator {evaluator!r} holds what is no map of a dimension; {FIT_AGAIN}")
    if missing := [label for label in labels if label not in intercepts]:
        raise CraftError(
            f"the calibration of evaluator {evaluator!r} has no intercept of the label {missing[0]!r}; {FIT_AGAIN}"
        )
    fitted = Logistic(**{**numbers, INTERCEPTS: tuple(intercepts[label] for label in labels)})
    if wrong := [each for each in (fitted.slope, *fitted.intercepts) if not is_finite(each)]:
        raise CraftError(
            f"the calibration of evaluator {evaluator!r} holds {wrong[0]!r}, no finite number; {FIT_AGAIN}"
        )
    return fitted


def is_finite(value: Any) -> bool:
    """Whether a value is a number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
