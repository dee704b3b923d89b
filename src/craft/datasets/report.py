"""What a preparation made of the data, in tables and in words."""

import pandas as pd

from craft.datasets.splits import REAL_SPLITS

# of `counts.csv`
COUNTS = ("label", "split", "images", "patients", "twins_elsewhere")
# raw values that the words name for each reason
SHOWN = 6


def count_images(frame: pd.DataFrame, labels: list[str], twins: pd.DataFrame, names_patients: bool) -> pd.DataFrame:
    """Images by label and split.

    Args:
        frame: of the images, with columns `image_id`, `label`, `split` and `patient_id`.
        labels: in the order of the rows.
        twins: columns `image_id`, `twin_id`, `split` and `twin_split`.
        names_patients: whether the data name the patients.

    Returns:
        Columns `COUNTS`: `patients` is empty where the data name none, `twins_elsewhere` counts images that have a
        near-identical one in another split.
    """
    apart = twins[twins["split"] != twins["twin_split"]]
    elsewhere = frame["image_id"].isin({*apart["image_id"], *apart["twin_id"]})
    rows = []
    for label in labels:
        for split in REAL_SPLITS:
            chosen = (frame["label"] == label) & (frame["split"] == split)
            patients = frame["patient_id"][chosen].nunique() if names_patients else None
            rows.append((label, split, int(chosen.sum()), patients, int(elsewhere[chosen].sum())))
    return pd.DataFrame(rows, columns=list(COUNTS)).astype({"patients": "Int64"})


def describe_twins(twins: pd.DataFrame) -> str:
    """How many images are nearly the same, in one sentence."""
    apart, other = twins["split"] != twins["twin_split"], twins["label"] != twins["twin_label"]
    if twins.empty:
        return "No two images are nearly the same."
    test = {*twins.loc[(twins["split"] == "test") & (twins["twin_split"] == "train"), "image_id"]}
    test |= {*twins.loc[(twins["twin_split"] == "test") & (twins["split"] == "train"), "twin_id"]}
    mend = "; `keep_twins_together` deals them to one split" if apart.any() else ""
    return (
        f"{len(twins)} pairs of images are nearly the same: {int(apart.sum())} of them lie across splits ({len(test)}"
        f" test images have one in train), {int(other.sum())} across labels{mend}."
    )


def describe(
    dataset: str, counts: pd.DataFrame, left_out: pd.DataFrame, twins: pd.DataFrame, names_patients: bool
) -> str:
    """What became of a dataset, as text that ends in a new line."""
    table = counts.pivot(index="label", columns="split", values="images")
    table = table.reindex(index=counts["label"].unique(), columns=list(REAL_SPLITS))
    table["all"] = table.sum(axis=1)
    table.loc["all"] = table.sum()
    lines = [f"{dataset}: {int(table.loc['all', 'all'])} images", "", table.rename_axis(None, axis=1).to_string(), ""]
    if names_patients:
        lines.append("Split by patient: no patient is in two splits.")
    else:
        lines.append("The data name no patients: every image counts as a patient of its own.")
    lines.append(describe_twins(twins))
    lines.append("Left out:" if len(left_out) else "Nothing was left out.")
    for reason, rows in left_out.groupby("reason", sort=False):
        shown = [f"{value!r} {count}" for value, count in zip(rows["value"], rows["count"], strict=True) if value]
        more = f", and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
        values = f" ({', '.join(shown[:SHOWN])}{more})" if shown else ""
        lines.append(f"  {rows['count'].sum()} {reason}{values}")
    return "\n".join(lines) + "\n"
