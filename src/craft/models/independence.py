"""Whether two evaluators, or two vision encoders, of a configuration are one model under two names.

An evaluator that entered a reward or selected a state cannot be held out, and no more can a copy of it. Folders are
compared by their place and by the bytes of their weights, models that the run trains by their settings, hub ids by
their name. An evaluator's image tower counts as a model of its own where it is a frozen encoder.
"""

import hashlib
from itertools import combinations
from pathlib import Path

from craft.core.files import read_json
from craft.models.families import FAMILIES
from craft.models.families.base import TOWER
from craft.models.settings import EncoderSettings, EvaluatorSettings

WEIGHTS = ("*.safetensors", "*.bin", "*.pt")


def find_shared_model(models: dict[str, EvaluatorSettings] | dict[str, EncoderSettings], kind: str) -> str | None:
    """One sentence about the first two models of a kind (`evaluators`) that are the same; None where there are none."""
    for (first, one), (second, two) in combinations(models.items(), 2):
        if same := describe_sameness(one, two):
            names = f"the {kind} {first!r} ({one.role}) and {second!r} ({two.role}) {same}"
            if one.role == two.role:
                return f"{names}; remove one of them, since it would count twice"
            return f"{names}, so that one model has two roles; give every role a model of its own"
    return None


def find_shared_tower(evaluators: dict[str, EvaluatorSettings], encoders: dict[str, EncoderSettings]) -> str | None:
    """One sentence about a frozen encoder that has two roles, alone or as an evaluator's image tower; None without."""
    known = [
        (f"the encoder {name!r}", each.role, (each.loader, each.path)) for name, each in encoders.items() if each.path
    ]
    known += [
        (f"the image tower of the evaluator {name!r}", each.role, tower)
        for name, each in evaluators.items()
        if (tower := tower_of(each))
    ]
    for (first, role, one), (second, other, two) in combinations(known, 2):
        if one == two and role != other:
            return f"{first} ({role}) is {second} ({other}), so that one model has two roles; exchange one of them"
    return None


def tower_of(evaluator: EvaluatorSettings) -> tuple[str, str] | None:
    """Loader and path of the frozen encoder that is an evaluator's image tower; None where the tower is its own."""
    if evaluator.train:
        return FAMILIES[evaluator.train.family].tower
    file = Path(evaluator.path) / TOWER
    if not file.is_file():
        return None
    known = read_json(file)
    return known["loader"], known["path"]


def describe_sameness(one: EvaluatorSettings | EncoderSettings, two: EvaluatorSettings | EncoderSettings) -> str | None:
    """In what two models are the same; None where they differ."""
    if one.train and one.train == two.train:
        return "are trained with the same settings"
    if not (one.path and two.path):
        return None
    if one.path == two.path or Path(one.path).resolve() == Path(two.path).resolve():
        return f"have the same path {two.path!r}"
    return f"have the same weights in {one.path!r} and {two.path!r}" if same_weights(one.path, two.path) else None


def same_weights(first: str, second: str) -> bool:
    """Whether two model folders hold weight files of the same bytes, whatever their names."""
    files = [sorted(file for kind in WEIGHTS for file in Path(path).glob(kind)) for path in (first, second)]
    # only files of equal size are read, so that a configuration of large models is checked in no time
    sizes = [sorted(file.stat().st_size for file in group) for group in files]
    if not files[0] or sizes[0] != sizes[1]:
        return False
    one, two = (sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in group) for group in files)
    return one == two
