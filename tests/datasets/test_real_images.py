"""Real public images, where $CRAFT_DATA holds them."""

import os
from pathlib import Path

import pandas as pd
import pytest

from craft.datasets.prepare import prepare
from craft.datasets.readers.image_folder import ImageFolderDataset
from craft.datasets.readers.medmnist import MedmnistDataset
from craft.datasets.splits import REAL_SPLITS

DATA = Path(os.environ.get("CRAFT_DATA") or "data/raw")


def needs(path: str):
    return pytest.mark.skipif(not (DATA / path).exists(), reason=f"no {path} below $CRAFT_DATA")


def counts(name: str, dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images by label and split, and the quarantine."""
    made = prepare(name, dataset, 32)
    frame = pd.DataFrame(made.rows)
    assert frame.groupby("patient_id")["split"].nunique().max() == 1
    return pd.crosstab(frame["label"], frame["split"])[list(REAL_SPLITS)], made.quarantine


@needs("fundus_dr_rahim")
def test_fundus_grades_are_all_in_every_split_and_ungraded_eyes_left_out():
    dataset = ImageFolderDataset(
        reader="image_folder",
        modality="fundus",
        path="fundus_dr_rahim",
        labels=[f"grade_{i}" for i in range(5)],
        label_column="dr_grade_0_4",
        label_names={str(i): f"grade_{i}" for i in range(5)},
        group_column="patient",
        splits={"train": 0.35, "reference": 0.15, "held_out_reference": 0.15, "calibration": 0.15, "test": 0.2},
        split_seed=2017,
    )
    table, quarantine = counts("fundus", dataset)
    assert table.sum(axis=1).tolist() == [276, 99, 166, 32, 16]
    assert table.to_numpy().min() >= 3
    assert quarantine.empty


@needs("dermoscopy_ham10000")
def test_lesions_are_limited_per_label():
    dataset = ImageFolderDataset(
        reader="image_folder",
        modality="dermoscopy",
        path="dermoscopy_ham10000",
        labels=["nv", "mel", "df"],
        group_column="lesion_id",
        max_per_label=150,
    )
    table, _ = counts("dermoscopy", dataset)
    assert table.sum(axis=1).to_dict() == {"df": 115, "mel": 150, "nv": 150}


@needs("cxr_pneumoniamnist28/pneumoniamnist_rebuilt.npz")
def test_pneumoniamnist_is_pooled_without_its_repeats():
    dataset = MedmnistDataset(
        reader="medmnist",
        modality="chest_xray",
        path="cxr_pneumoniamnist28/pneumoniamnist_rebuilt.npz",
        labels=["normal", "pneumonia"],
        label_names={"0": "normal", "1": "pneumonia"},
    )
    table, quarantine = counts("pneumonia", dataset)
    assert table.to_numpy().sum() + len(quarantine) == 4708 + 524 + 624
    assert set(quarantine["kind"]) == {"repeat"}
    assert table.sum(axis=0).div(table.to_numpy().sum()).tolist() == pytest.approx(
        [0.45, 0.1, 0.1, 0.15, 0.2], abs=0.03
    )
