"""Splits: stable under additions, one per group, in the wanted shares, and checked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craft.core.errors import CraftError
from craft.core.images import image_row
from craft.datasets.settings import SplitSettings
from craft.datasets.splits import REAL_SPLITS, assign_split, check_coverage, check_leakage

FRACTIONS = SplitSettings(train=0.4, reference=0.2, held_out_reference=0.1, calibration=0.1, test=0.2)


def table(*entries: tuple[str, str, int]) -> pd.DataFrame:
    """An image table of (patient, split, grey value)."""
    images = [np.full((8, 8, 3), grey, dtype=np.uint8) for _, _, grey in entries]
    return pd.DataFrame(
        image_row(image, label="a", split=split, origin="test", patient_id=patient)
        for image, (patient, split, _) in zip(images, entries, strict=True)
    )


@given(groups=st.sets(st.text(min_size=1), min_size=1), seed=st.integers(0, 2**31))
def test_a_group_has_one_known_split_whatever_else_is_there(groups, seed):
    alone = {group: assign_split(group, FRACTIONS, seed) for group in groups}
    assert set(alone.values()) <= set(REAL_SPLITS)
    assert alone == {group: assign_split(group, FRACTIONS, seed) for group in sorted(groups, reverse=True)}


@given(seed=st.integers(0, 2**31))
def test_shares_approach_the_fractions(seed):
    drawn = [assign_split(f"patient{i}", FRACTIONS, seed) for i in range(1500)]
    for name in REAL_SPLITS:
        # five standard errors of a share of 1500
        assert drawn.count(name) / 1500 == pytest.approx(getattr(FRACTIONS, name), abs=0.065)


def test_another_seed_splits_otherwise():
    first, second = ([assign_split(f"patient{i}", FRACTIONS, seed) for i in range(200)] for seed in (0, 1))
    assert 50 < sum(a != b for a, b in zip(first, second, strict=True)) < 180


def test_a_clean_table_passes_the_leakage_check():
    check_leakage([table(("p", "train", 1), ("p", "train", 2), ("q", "test", 3))])


def test_a_patient_in_two_splits_is_a_leak():
    with pytest.raises(CraftError, match="patient 'p' is in the splits test and train"):
        check_leakage([table(("p", "train", 1), ("q", "train", 2), ("p", "test", 3))])


def test_equal_pixels_in_two_splits_are_a_leak():
    with pytest.raises(CraftError, match="same pixels"):
        check_leakage([table(("p", "train", 1), ("q", "test", 1))])


def test_equal_bytes_in_two_splits_are_a_leak_even_if_the_hash_column_hides_it():
    frame = table(("p", "train", 1), ("q", "test", 1))
    with pytest.raises(CraftError, match="same bytes"):
        check_leakage([frame.assign(sha256=["one", "two"])])


def test_generated_images_are_no_leak():
    check_leakage([table(("p", "train", 1), ("", "generated", 1), ("", "generated", 2))])


def test_coverage_names_the_label_the_splits_and_the_remedy():
    frame = pd.DataFrame({"label": ["a"], "split": ["train"], "patient_id": ["p"]})
    with pytest.raises(CraftError, match=r"'skin': label 'a' has no image in split 'reference' and .*1 usable image "):
        check_coverage(frame, ["a"], "skin", "add images")
    with pytest.raises(CraftError, match=r"add images, enlarge `splits.reference`, or choose another `split_seed`"):
        check_coverage(frame, ["a"], "skin", "add images")
