"""Whose images lack anatomy that every image of their modality shows?"""

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.base import Tables, row_of, rows_of
from craft.evaluation.reporting.traced import tally, value_in
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

FOUND, EVERYTHING, DISTANCE = "found_", "found_all", "wasserstein"


def find_anatomy(tables: Tables, run: Run) -> list[dict]:
    """What the anatomy table says of every method, in the order of the table; empty without a table or rows.

    Returns:
        For every method that was measured: method and number of datasets; those in which clearly fewer images show all
        structures than test images do (`lacking`: dataset, the share that shows all, that of test images, and the
        structure found least often with its share); in how many datasets the mean distance of its measures is clearly
        larger than that of training images (`beyond`). Clearly means that the intervals do not overlap.
    """
    if "anatomy" not in tables:
        return []
    table = tables["anatomy"]
    methods = [method for method in table["method"].unique() if method != REAL]
    return [judge(tables, run, method) for method in methods]


def judge(tables: Tables, run: Run, method: str) -> dict:
    """What is found of one method, as `find_anatomy` describes it."""
    table, lacking, shares, distances, beyond = tables["anatomy"], [], [], [], []
    for dataset in run.datasets:
        keys = {"dataset": dataset, "label": ALL}
        own, real = (row_of(table, method=name, metric=EVERYTHING, **keys) for name in (method, REAL))
        if own is None or real is None:
            continue
        shares.append(value_in(own))
        if own["high"] < real["low"]:
            lacking.append(lack(tables, dataset, method) | {"share": value_in(own), "real": value_in(real)})
        distance, floor = (row_of(table, method=name, metric=DISTANCE, **keys) for name in (method, REAL))
        if distance is not None and floor is not None:
            distances.append(value_in(distance))
            beyond.append(distance["low"] > floor["high"])
    return {"method": method, "datasets": tally(shares), "lacking": lacking, "beyond": tally(distances, beyond)}


def lack(tables: Tables, dataset: str, method: str) -> dict:
    """The structure that is found in the fewest images of a method, with the share of them that show it."""
    rows = rows_of(tables["anatomy"], dataset=dataset, label=ALL, method=method)
    rows = rows[rows["metric"].str.startswith(FOUND) & (rows["metric"] != EVERYTHING)]
    least = rows.loc[rows["value"].idxmin()]
    return {"dataset": dataset, "least": least["metric"].removeprefix(FOUND), "found": value_in(least)}
