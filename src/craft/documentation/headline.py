"""The headline tables of an archived run: the reward method beside its strongest baseline and real test images."""

from collections.abc import Callable, Iterator

import pandas as pd

from craft.core.settings import REAL
from craft.documentation.archive import Archive
from craft.documentation.markdown import NOTHING, code, interval, make_table, number, percent
from craft.evaluation.reporting.findings.base import evaluators_of, our_method, row_of, rows_of, strongest_baseline
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.tables import ALL

BESIDE = ("test images", "strongest baseline")


def our_name(archive: Archive) -> str:
    """The reward method as a column's title."""
    return code(str(our_method(archive.run)))


def judged(archive: Archive, role: str = "held_out") -> Iterator[dict[str, str]]:
    """Every dataset with every evaluator of a role, as keys of rows."""
    for dataset in archive.run.datasets:
        for name in evaluators_of(archive.tables, role):
            yield {"dataset": dataset, "evaluator": name}


def strongest_by_cas(archive: Archive, dataset: str, evaluator: str) -> str:
    """The baseline of the highest mean CAS."""
    keys = {"dataset": dataset, "evaluator": evaluator, "metric": "cas"}
    return str(strongest_baseline(archive.tables["cas"], archive.run, "highest", **keys))


def beside(
    archive: Archive,
    name: str,
    metric: str,
    place: dict[str, str],
    best: str | None = None,
    write: Callable[..., str] = number,
) -> list[str]:
    """Three cells: the real test images, the strongest baseline with its name, and the reward method.

    Args:
        archive: the run.
        name: of the table.
        metric: of its rows; where `best` is not given, the baseline with the highest value is taken.
        place: dataset and evaluator.
        best: another baseline.
        write: writes the numbers.
    """
    table, keys = archive.tables[name], {**place, "metric": metric}
    best = best or str(strongest_baseline(table, archive.run, "highest", **keys))
    methods = (REAL, best, str(our_method(archive.run)))
    real, other, ours = (interval(row_of(table, label=ALL, method=key, **keys), write) for key in methods)
    return [real, other if other == NOTHING else f"{other} {code(best)}", ours]


def write_excerpt(archive: Archive) -> str:
    """Mean CAS under the first held-out evaluator."""
    first, rows = evaluators_of(archive.tables, "held_out")[0], []
    for dataset in archive.run.datasets:
        rows.append([dataset, *beside(archive, "cas", "cas", {"dataset": dataset, "evaluator": first})])
    return make_table(("dataset", *BESIDE, str(our_method(archive.run))), rows)


def write_cas(archive: Archive) -> str:
    """Mean CAS under the held-out evaluators, and the paired difference."""
    rows = []
    for place in judged(archive):
        keys = {"method": str(our_method(archive.run)), "against": strongest_by_cas(archive, **place), "metric": "cas"}
        paired = row_of(archive.tables["comparisons"], label=ALL, **keys, **place)
        shown = [*beside(archive, "cas", "cas", place), interval(paired), p_value(paired)]
        rows.append([place["dataset"], code(place["evaluator"]), *shown])
    return make_table(("dataset", "evaluator", *BESIDE, our_name(archive), "paired difference", "p (Holm)"), rows)


def p_value(row: pd.Series | None) -> str:
    """A corrected p-value, with the sign of a bound where it is the least that its resamples can give."""
    if row is None:
        return NOTHING
    written = f"{row['p_holm']:.2g}" if row["p_holm"] < 0.001 else number(row["p_holm"])
    return f"<= {written}" if row["at_floor"] else written


def write_tail(archive: Archive) -> str:
    """Share of images in the tail, and by how much it is smaller, percent."""
    rows = []
    for place in judged(archive):
        shown = beside(archive, "tail", "tail_rate", place, strongest_by_cas(archive, **place), percent)
        rows.append([place["dataset"], code(place["evaluator"]), *shown, *reduction(archive, **place)])
    for name in evaluators_of(archive.tables, "held_out"):
        rows.append(["mean", code(name), "", "", "", *reduction(archive, ALL, name)])
    return make_table(("dataset", "evaluator", *BESIDE, our_name(archive), "smaller by, points", "relative"), rows)


def reduction(archive: Archive, dataset: str, evaluator: str) -> list[str]:
    """The reduction of the tail in percentage points, and as a percentage of the baseline's."""
    keys = {"dataset": dataset, "label": ALL, "method": str(our_method(archive.run)), "evaluator": evaluator}
    rows = [
        row_of(archive.tables["tail_reduction"], metric=f"reduction_{kind}", **keys) for kind in ("points", "relative")
    ]
    return [interval(row, percent) for row in rows]


def write_label_agreement(archive: Archive) -> str:
    """Share of images whose label the classifier of phantoms recognises, percent."""
    rows = [
        [place["dataset"], *beside(archive, "cas", "label_agreement", place, write=percent)]
        for place in judged(archive, PHANTOM_CLASSIFIER)
    ]
    return make_table(("dataset", *BESIDE, our_name(archive)), rows)


def write_audit(archive: Archive) -> str:
    """Share of the checklist items that an auditor finds satisfied, percent."""
    rows = []
    for dataset in archive.run.datasets:
        for auditor in archive.tables["audit"]["evaluator"].unique():
            place = {"dataset": dataset, "evaluator": auditor}
            rows.append([dataset, code(auditor), *beside(archive, "audit", "satisfied", place, write=percent)])
    return make_table(("dataset", "auditor", *BESIDE, our_name(archive)), rows)


def write_facts(archive: Archive) -> str:
    """Where the run comes from, and what it consists of."""
    facts, run = archive.facts, archive.run
    ours = rows_of(archive.tables["cas"], label=ALL, method=str(our_method(run)), metric="cas")
    sizes = sorted(set(ours["n"]))
    datasets = [f"{key} ({len(labels)} labels)" for key, labels in run.datasets.items()]
    rows = [
        ("commit", code(facts.commit)),
        ("date", facts.date),
        ("machine", code(facts.machine)),
        ("configuration", code(facts.configuration)),
        ("what is shown", facts.notice),
        ("datasets", ", ".join(datasets)),
        ("methods", ", ".join(map(code, run.methods))),
        ("seeds", ", ".join(map(str, run.seeds))),
        ("generated images", f"{' or '.join(map(str, sizes))} of each method in each dataset"),
        ("intervals", f"`confidence: {run.scoring.confidence}`, from `bootstrap: {run.scoring.bootstrap}` resamples"),
        ("intervals of methods are over", " or ".join(sorted(set(ours["over"])))),
    ]
    return make_table(("the run", ""), rows)
