"""The ledger of claims: every number that a sentence of the paper can say, and where it comes from.

`claims.json` holds the findings, of which the paper's source takes its numbers, and beside them one claim for each of
their numbers, with the rows of tables that it was read or computed from. A row names its cells, and the jobs whose
images or training it speaks of. Numbers of the settings are claims too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.downstream.arms import Arm
from craft.evaluation.reporting.published import PUBLISHED
from craft.evaluation.reporting.traced import Traced
from craft.evaluation.results import SETTINGS, set_file
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL
from craft.training.settings import MethodJob

# what names a constant of the code
CODE = "craft."


def label_rows(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """A table whose index names the line of every row in its file, whose first line is the header.

    Args:
        frame: all rows of the file, in their order.
        file: below the results folder, for example `tables/cas.csv`: the first row is `tables/cas.csv:2`.
    """
    return frame.set_axis([f"{file}:{line}" for line in range(2, len(frame) + 2)])


def make_ledger(
    findings: dict[str, Any],
    described: dict[str, Any],
    frames: list[pd.DataFrame],
    trainings: dict[str, MethodJob],
    run: Run,
) -> dict[str, Any]:
    """The ledger of a run.

    Args:
        findings: of the run, with traced numbers.
        described: what the paper knows of the run beside them, its settings among it (`run.json`).
        frames: tables with rows labelled as the numbers' origins are.
        trainings: jobs that trained adapters, by the path of their settings below the results folder.
        run: datasets, methods and seeds.

    Returns:
        `published`, `findings`, `claims`, `rows` by label and `jobs` by name; plain values, fit for JSON.

    Raises:
        CraftError: if a number of the findings has no origin, or one that no table has.
    """
    known = {str(label): row for frame in frames for label, row in frame.iterrows()}
    claims = [claim_of(place, number) for place, number in numbers_in(findings)]
    for claim in claims:
        lost = [label for label in claim.get("rows", ()) if label not in known]
        if lost:
            raise CraftError(f"the claim {claim['id']!r} rests on {lost[0]}, which is a row of no table")
    settings = {job.method: path for path, job in reversed(trainings.items())}
    claims += [of_settings(place, number, described, settings) for place, number in numbers_in(described, "run")]
    used = dict.fromkeys(label for claim in claims for label in claim.get("rows", ()))
    rows = {label: row_entry(known[label], run) for label in used}
    names = dict.fromkeys(name for row in rows.values() for name in row["jobs"])
    jobs = {name: job_entry(name, run, trainings) for name in names}
    return {"published": PUBLISHED, "findings": findings, "claims": claims, "rows": rows, "jobs": jobs}


def numbers_in(tree: Any, *place: str | int) -> Iterator[tuple[str, float]]:
    """Every number of nested dicts and lists with its place, for example `tail.reward.0.points.low`."""
    if isinstance(tree, Mapping | list | tuple):
        for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from numbers_in(value, *place, key)
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield ".".join(map(str, place)), tree


def claim_of(place: str, number: float) -> dict[str, Any]:
    """The claim of one number of the findings.

    Raises:
        CraftError: if it does not say where it comes from; a count of nothing has no row.
    """
    if not isinstance(number, Traced) or not (number.origins or number == 0):
        raise CraftError(f"the claim {place!r} ({number}) has no source: a finding made it of a number without rows")
    if number.origins == (SETTINGS,):
        return {"id": place, "value": number, "settings": SETTINGS}
    if len(number.origins) == 1 and number.origins[0].startswith(CODE):
        return {"id": place, "value": number, "defined": number.origins[0]}
    return {"id": place, "value": number, "rows": list(number.origins)}


def of_settings(place: str, number: float, described: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    """The claim of a number of the settings: those of a method's first training, or else of the run."""
    _, section, index, *rest = [*place.split("."), ""]
    method = described["methods"][int(index)]["key"] if section == "methods" and rest else None
    return {"id": place, "value": number, "settings": settings.get(method, SETTINGS)}


def row_entry(row: pd.Series, run: Run) -> dict[str, Any]:
    """The cells of a row that hold something, and the names of the jobs that it speaks of."""
    cells = {name: value.item() if hasattr(value, "item") else value for name, value in row.items() if pd.notna(value)}
    return cells | {"jobs": jobs_of(cells, run)}


def jobs_of(cells: dict[str, Any], run: Run) -> list[str]:
    """Names of the image sets that a row speaks of, `<dataset>/<method>/seed<seed>`; every seed where it names none."""
    place = cells.get("dataset", ALL)
    names = [cells.get(name, "") for name in ("method", "against")]
    methods = dict.fromkeys(each for name in names for each in methods_in(name, run))
    found = []
    for dataset in run.datasets if place == ALL else [place]:
        for method in methods:
            seeds = [0] if method in run.controls else [cells["seed"]] if "seed" in cells else run.seeds
            found += [set_file(dataset, method, seed, "").rstrip("/") for seed in seeds]
    return found


def methods_in(name: str, run: Run) -> list[str]:
    """The methods that a cell names: one, all, or those of a training set of classifiers; none where it names none."""
    known = [*run.controls, *run.methods]
    if name == ALL:
        return run.methods
    if name in known:
        return [name]
    arm = Arm.parse(name) if name else None
    return [arm.method] if arm and arm.method in known else []


def job_entry(name: str, run: Run, trainings: dict[str, MethodJob]) -> dict[str, Any]:
    """Dataset, method and seed of an image set, and the settings of the trainings that made what generates it."""
    dataset, method, seed = Path(name).parts
    number, line = int(seed.removeprefix("seed")), run.trainings.get(method, [])
    own = [
        path for path, job in trainings.items() if (job.dataset, job.seed) == (dataset, number) and job.method in line
    ]
    return {"dataset": dataset, "method": method, "seed": number, "settings": own}
