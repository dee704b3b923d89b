"""Twins: near-identical images are found, counted and, where it is asked for, kept in one split."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from craft.datasets.prepare import prepare
from craft.datasets.readers.base import RawImage
from craft.datasets.settings import DatasetSettings
from craft.datasets.splits import REAL_SPLITS
from craft.datasets.twins import find_twins, join_twins, thumbnail

EVEN = dict.fromkeys(REAL_SPLITS, 0.2)


def scene(seed: int) -> np.ndarray:
    """A smooth picture (64, 64, 3) under the same dark frame as all others."""
    generator = np.random.default_rng(seed)
    rough = generator.integers(40, 220, (12, 12, 3), dtype=np.uint8)
    picture = np.array(Image.fromarray(rough).resize((64, 64), Image.Resampling.BICUBIC))
    picture[:8] = picture[-8:] = picture[:, :8] = picture[:, -8:] = 0
    return picture


def twin_of(picture: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same, brighter, with noise and moved by half a pixel."""
    moved = Image.fromarray(picture).transform((64, 64), Image.Transform.AFFINE, (1, 0, 0.5, 0, 1, 0), 3)
    noise = np.random.default_rng(seed).normal(8, 1, picture.shape)
    return np.clip(np.asarray(moved) + noise, 0, 255).astype(np.uint8)


class Scenes(DatasetSettings):
    """60 scenes, and a twin of each of the first ten, two of them under the other label."""

    def read(self) -> list[RawImage]:
        pictures = [(scene(i), "ab"[i % 2]) for i in range(60)]
        pictures += [(twin_of(scene(i)), "ab"[(i + (i < 2)) % 2]) for i in range(10)]
        return [
            RawImage(f"{i}.png", label, str(i), lambda size, pixels=pixels: (pixels, {}))
            for i, (pixels, label) in enumerate(pictures)
        ]

    @property
    def reader(self) -> str:
        return "scenes"


def scenes(**keys) -> Scenes:
    return Scenes(modality="dermoscopy", labels=["a", "b"], splits=EVEN, **keys)


def test_twins_are_found_and_nothing_else():
    pictures = [scene(i) for i in range(50)] + [twin_of(scene(i)) for i in range(5)]
    found = find_twins(np.stack([thumbnail(picture) for picture in pictures]), 0.85)
    assert list(zip(found["first"], found["second"], strict=True)) == [(i, 50 + i) for i in range(5)]
    assert found["similarity"].between(0.8, 1.001).all()


def test_a_few_images_are_compared_too_and_plain_ones_are_no_twins():
    pictures = [
        scene(0),
        twin_of(scene(0)),
        scene(1),
        np.zeros((64, 64, 3), np.uint8),
        np.full((64, 64, 3), 9, np.uint8),
    ]
    found = find_twins(np.stack([thumbnail(picture) for picture in pictures]), 0.85)
    assert found[["first", "second"]].to_numpy().tolist() == [[0, 1]]
    assert find_twins(np.empty((0, 48, 48), np.uint8), 0.85).empty


def test_large_sets_are_searched_in_tiles(monkeypatch):
    thumbnails = np.stack([thumbnail(picture) for i in range(40) for picture in (scene(i), twin_of(scene(i)))])
    whole = find_twins(thumbnails, 0.85)
    monkeypatch.setattr("craft.datasets.twins.TILE", 7)
    pd.testing.assert_frame_equal(find_twins(thumbnails, 0.85), whole, rtol=1e-5)
    assert len(whole) == 40


def test_joined_groups_are_named_by_the_first():
    assert join_twins(["d", "c", "b", "a", "c"], [(0, 1), (1, 2)]) == ["b", "b", "b", "a", "b"]


def test_a_preparation_counts_twins_across_splits_and_labels():
    made = prepare("skin", scenes(), 64)
    apart = made.twins["split"] != made.twins["twin_split"]
    assert len(made.twins) == 10 and (made.twins["label"] != made.twins["twin_label"]).sum() == 2
    assert 0 < apart.sum() < 10
    assert f"10 pairs of images are nearly the same: {apart.sum()} of them lie across splits" in made.report
    assert "2 across labels" in made.report
    assert set(made.twins["image_id"]) <= {row["image_id"] for row in made.rows}
    assert made.counts["twins_elsewhere"].sum() == 2 * apart.sum()


def test_twins_are_kept_in_one_split_where_that_is_asked_for():
    made = prepare("skin", scenes(keep_twins_together=True), 64)
    assert len(made.twins) == 10 and (made.twins["split"] == made.twins["twin_split"]).all()
    alone = prepare("skin", scenes(), 64)
    moved = [one["split"] != other["split"] for one, other in zip(made.rows, alone.rows, strict=True)]
    twins = {*made.twins["image_id"], *made.twins["twin_id"]}
    assert all(row["image_id"] in twins for row, changed in zip(made.rows, moved, strict=True) if changed)


@pytest.mark.parametrize("named", [True, False])
def test_the_report_says_whether_patients_are_known(named, monkeypatch):
    monkeypatch.setattr(Scenes, "names_patients", named)
    made = prepare("skin", scenes(), 64)
    assert ("every image counts as a patient of its own" in made.report) != named
    assert made.counts["patients"].notna().all() == named
    assert made.counts["images"].sum() == 70 and len(made.counts) == 2 * len(REAL_SPLITS)
    assert made.files.columns.tolist() == ["file", "image_id", "label", "split"] and len(made.files) == 70
