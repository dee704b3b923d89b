"""Validity: what do distances between sets of images not see?"""

from craft.evaluation.reporting.findings.base import Tables, rows_of, spread
from craft.evaluation.settings import Run

CONDITIONS = ("own_labels", "half_swapped", "all_swapped")


def find_same_images(tables: Tables, run: Run) -> dict:
    """Out-of-family CAS of the same test images with their own and with exchanged labels, and their FID.

    Returns:
        `cas`: range over datasets by condition; `fid`: range over datasets, the same under every condition.
    """
    rows = rows_of(tables["validity"], study="same_images", role="held_out")
    means = rows_of(rows, metric="mean", dimension="cas")
    return {
        "cas": {name: spread(rows_of(means, condition=name)["value"]) for name in CONDITIONS},
        "fid": spread(rows_of(rows, metric="fid", condition=CONDITIONS[0])["value"]),
    }
