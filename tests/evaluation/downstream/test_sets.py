"""Which labelled images a training uses, and how much they count."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.evaluation.downstream.sets import LabelledImages, label_indices


def make_images(labels: list[int]) -> LabelledImages:
    return LabelledImages([str(row) for row in range(len(labels))], np.zeros((len(labels), 2)), np.array(labels))


def test_limit_keeps_the_same_images_of_every_label():
    images = make_images([0] * 10 + [1] * 4)
    few = images.limit(3, seed=1)
    assert np.bincount(few.labels).tolist() == [3, 3] and images.limit(None, seed=1) is images


def test_all_labels_of_a_set_weigh_alike():
    assert make_images([0] * 4 + [1]).weights() == pytest.approx([0.125] * 4 + [0.5])


def test_an_unknown_label_is_one_sentence():
    frame = pd.DataFrame({"label": ["a", "b", "c"]})
    assert label_indices(frame, ["c", "b", "a"], Path("x")).tolist() == [2, 1, 0]
    with pytest.raises(CraftError, match=r"images.parquet holds the label 'c', .*\(a, b\)"):
        label_indices(frame, ["a", "b"], Path("images.parquet"))
