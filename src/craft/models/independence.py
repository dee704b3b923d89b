"""Whether evaluators, or vision encoders, of different roles are independent of each other, as far as is known.

An evaluator that entered a reward or selected a state cannot be held out, and no more can a copy of it, or a model of
its architecture, its training images or its first weights: their errors are shared. What is unknown stays unknown, and
is told as such.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations, product
from pathlib import Path

from craft.core.reading import read_json
from craft.models.backgrounds import Background, Images
from craft.models.copies import describe_copy, find_folder
from craft.models.families import FAMILIES
from craft.models.families.base import TOWER
from craft.models.provenance import PROVENANCE
from craft.models.settings import EncoderSettings, EvaluatorSettings

Judges = dict[str, EvaluatorSettings] | dict[str, EncoderSettings]


def find_dependence(
    evaluators: dict[str, EvaluatorSettings], encoders: dict[str, EncoderSettings], datasets: list[str]
) -> str | None:
    """One sentence about the first models that are not independent of each other; None where there are none.

    Args:
        evaluators, encoders: of the configuration, by name.
        datasets: names of the datasets that the run trains models on.
    """
    backgrounds = list(list_backgrounds(evaluators, encoders, datasets))
    found = (
        find_shared_model(evaluators, "evaluators"),
        find_shared_model(encoders, "encoders"),
        find_shared_tower(evaluators, encoders),
        find_shared_background(each for each in backgrounds if each.kind == "evaluator"),
        find_shared_background(each for each in backgrounds if each.kind == "encoder"),
    )
    return next((sentence for sentence in found if sentence), None)


def find_shared_model(models: Judges, kind: str) -> str | None:
    """One sentence about the first two models of a kind (`evaluators`) that are the same; None where there are none."""
    for (first, one), (second, two) in combinations(models.items(), 2):
        same = "are trained with the same settings" if one.train and one.train == two.train else None
        if same := same or (describe_copy(one.path, two.path) if one.path and two.path else None):
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


def find_shared_background(backgrounds: Iterable[Background]) -> str | None:
    """One sentence about the first two of different roles that share what is known of both; None without."""
    for one, two in combinations(backgrounds, 2):
        if one.role != two.role and (shared := list(describe_shared(one, two))):
            return (
                f"the {one.kind}s {one.name!r} ({one.role}) and {two.name!r} ({two.role}) {' and '.join(shared)},"
                " so that they are not independent; exchange one, or declare what is true of a loaded one (`family`,"
                " `training_data`, `origin`)"
            )
    return None


def describe_shared(one: Background, two: Background) -> Iterator[str]:
    """What two models share, each with what would mend it."""
    if one.family and two.family and one.family.casefold() == two.family.casefold():
        yield f"are both of the family {one.family} (take another)"
    pairs = product(one.training_data or [], two.training_data or [])
    if shared := next((pair for pair in pairs if pair[0].overlap(pair[1])), None):
        yield f"learned from the same images, {shared[0]} and {shared[1]} (take another fold: `fold: 1, folds: 3`)"
    if one.origin and two.origin and one.origin.casefold() == two.origin.casefold():
        yield f"have the same origin, {one.origin} (take another)"


def list_backgrounds(
    evaluators: dict[str, EvaluatorSettings], encoders: dict[str, EncoderSettings], datasets: list[str]
) -> Iterator[Background]:
    """What is known of every evaluator and every encoder of a run.

    Of models that it trains, all; of others what the configuration declares, and else the `provenance.json` of a folder
    that a run wrote.
    """
    for kind, models in (("evaluator", evaluators), ("encoder", encoders)):
        for name, model in models.items():
            if model.train:
                known = describe_training(model.train.model_dump(), datasets)
            else:
                known = read_training(model.path)
                declared = [Images(name=each) for each in model.training_data or []] or None
                known = {
                    "family": model.family or known.get("family"),
                    "training_data": declared or known.get("training_data"),
                    "origin": model.origin or known.get("origin"),
                }
            yield Background(name=name, kind=kind, role=model.role, **known)


def describe_training(training: dict, datasets: list[str]) -> dict:
    """Family, training images and origin of a model that this pipeline trained from scratch."""
    images = [Images(name=name, fold=training["fold"], folds=training["folds"]) for name in datasets]
    family = training.get("family") or training.get("tower")
    return {"family": family, "training_data": images, "origin": f"seed {training['seed']}"}


def read_training(path: str) -> dict:
    """The same of a model folder, by its provenance; empty where the folder has none that tells it."""
    folder = find_folder(path)
    file = folder / PROVENANCE if folder else None
    if file is None or not file.is_file():
        return {}
    known = read_json(file)
    settings = known.get("settings") if isinstance(known, dict) else None
    training, datasets = (settings.get(key) if isinstance(settings, dict) else None for key in ("training", "datasets"))
    if not isinstance(training, dict):
        return {}
    return describe_training(training, datasets) if {"seed", "fold", "folds"} <= set(training) and datasets else {}


def tower_of(evaluator: EvaluatorSettings) -> tuple[str, str] | None:
    """Loader and path of the frozen encoder that is an evaluator's image tower; None where the tower is its own."""
    if evaluator.train:
        return FAMILIES[evaluator.train.family].tower
    file = Path(evaluator.path) / TOWER
    if not file.is_file():
        return None
    known = read_json(file)
    return known["loader"], known["path"]
