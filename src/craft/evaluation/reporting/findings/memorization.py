"""C6: are the reward method's images copies of real images that the run saw?"""

from craft.evaluation.reporting.findings.base import Tables, our_method, rows_of, spread
from craft.evaluation.reporting.traced import defined, tally, value_in
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

CHANCE = 0.5
# test images below which a threshold rests on few
FEW = 5


def find_memorization(tables: Tables, run: Run) -> dict | None:
    """Rates of copies beside the share of test images that are flagged, and membership inference.

    Returns:
        Ranges of the `rates` and of their `upper` ends; the share of test images that is `flagged`, and the range of
        how many of these the thresholds rest on (`rests_on`), None where all rest on more than a few; the number of
        `comparisons` (datasets by measures), those in which the rate's interval lies `above` the flagged share, and
        those in which images are `drawn` to reference images oftener than test images are; in how many of
        `memberships` membership can be inferred (`inferred`). None without a reward method.
    """
    ours, table = our_method(run), tables["memorization"]
    if ours is None:
        return None
    of_ours = rows_of(table, label=ALL, method=ours)
    rates, memberships = (rows_of(of_ours, metric=metric) for metric in ("copy_rate", "membership_auroc"))
    pulls = rows_of(of_ours, metric="reference_pull")
    rests_on = spread(rates["rests_on"])
    return {
        "rates": spread(rates["value"]),
        "upper": spread(rates["high"]),
        "flagged": spread(rates["flagged"])["high"],
        "rests_on": rests_on if rests_on and rests_on["low"] < FEW else None,
        "comparisons": tally(rates),
        "above": [name_place(row) for _, row in rates[rates["low"] > rates["flagged"]].iterrows()],
        "drawn": [name_place(row) for _, row in pulls[pulls["low"] > 0].iterrows()],
        "chance": defined(__name__, "CHANCE", CHANCE),
        "memberships": tally(memberships),
        "inferred": tally(memberships, memberships["low"] > CHANCE),
    }


def name_place(row) -> dict:
    """Where a row stands, and its value."""
    return {"dataset": row["dataset"], "measure": row["evaluator"], "value": value_in(row)}
