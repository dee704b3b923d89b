"""Splits by patient: assignment that never changes, and the checks that gate everything downstream."""

from collections.abc import Iterable
from hashlib import sha256

import pandas as pd

from craft.core.errors import CraftError
from craft.core.seeds import derive_seed
from craft.datasets.settings import SplitSettings

REAL_SPLITS = ("train", "reference", "held_out_reference", "calibration", "test")

# what training, the reward or the guard reads: images that generated ones could be drawn towards
SEEN_SPLITS = ("train", "reference", "calibration")


def assign_split(group: str, splits: SplitSettings, seed: int) -> str:
    """The split of a group: a hash of its id and the seed, so that no other image has a say in it."""
    position, edge = derive_seed("split", seed, group) / 2**63, 0.0
    for name in REAL_SPLITS[:-1]:
        edge += getattr(splits, name)
        if position < edge:
            return name
    return REAL_SPLITS[-1]


def check_coverage(frame: pd.DataFrame, labels: list[str], dataset: str, mend: str) -> None:
    """Every label has an image in every split.

    Args:
        frame: columns `label`, `split` and `patient_id`.
        labels: configured labels.
        dataset: name of the dataset, for the message.
        mend: what brings more images, for the message.

    Raises:
        CraftError: otherwise.
    """
    for label in labels:
        own = frame[frame["label"] == label]
        if lacking := [name for name in REAL_SPLITS if name not in set(own["split"])]:
            images, patients = len(own), own["patient_id"].nunique()
            raise CraftError(
                f"dataset {dataset!r}: label {label!r} has no image in split {' and '.join(map(repr, lacking))}"
                f" ({images} usable image{'s' * (images != 1)} of {patients} patient{'s' * (patients != 1)} in all);"
                f" {mend}, enlarge `splits.{lacking[0]}`, or choose another `split_seed`"
            )


def check_leakage(frames: Iterable[pd.DataFrame]) -> None:
    """No patient and no image is in two splits; generated images are not looked at.

    Args:
        frames: an image table in parts, of which one is held at a time.

    Raises:
        CraftError: if a patient id, equal pixels or equal encoded bytes occur in two splits.
    """
    parts = []
    for frame in frames:
        known = frame[frame["split"] != "generated"]
        encoded = [sha256(cell["bytes"]).hexdigest() for cell in known["image"]]
        parts.append(known[["split", "patient_id", "sha256"]].assign(encoded=encoded))
    real = pd.concat(parts, ignore_index=True)
    for what, keys in (("patient", "patient_id"), ("image (same pixels)", "sha256"), ("image (same bytes)", "encoded")):
        splits = real.groupby(keys)["split"].unique()
        leaks = splits[splits.map(len) > 1]
        if len(leaks):
            raise CraftError(
                f"the {what} {leaks.index[0][:16]!r} is in the splits {' and '.join(sorted(leaks.iloc[0]))}"
                f" ({len(leaks)} such in all): splits must not share patients or images; run prepare_images again"
            )
