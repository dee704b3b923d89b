"""MedMNIST files: pooled, split anew, and refused in one sentence where they do not fit."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.datasets.prepare import prepare
from craft.datasets.readers.medmnist import MedmnistDataset, read_medmnist
from craft.datasets.splits import REAL_SPLITS

DATASET = MedmnistDataset(
    reader="medmnist",
    modality="chest_xray",
    path="tiny.npz",
    labels=["normal", "pneumonia"],
    label_names={"0": "normal", "1": "pneumonia"},
    splits=dict.fromkeys(REAL_SPLITS, 0.2),
)


def arrays(shape: tuple[int, ...] = (28, 28)) -> dict[str, np.ndarray]:
    """Official arrays of a small file: 40 train, 10 val and 14 test images."""
    rng, parts = np.random.default_rng(0), {"train": 40, "val": 10, "test": 14}
    images = {f"{part}_images": rng.integers(0, 256, (n, *shape), dtype=np.uint8) for part, n in parts.items()}
    return images | {f"{part}_labels": (np.arange(n)[:, None] % 2).astype(np.uint8) for part, n in parts.items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("shape", [(28, 28), (64, 64, 3)])
def test_official_arrays_are_pooled_and_split_anew(folder, shape):
    np.savez(folder / "tiny.npz", **arrays(shape))
    frame = pd.DataFrame(prepare("xray", DATASET, 32)[0])
    assert frame["label"].value_counts().to_dict() == {"normal": 32, "pneumonia": 32}
    assert set(frame["split"]) == set(REAL_SPLITS)
    assert set(frame["origin"]) == {"medmnist:xray"}


def test_the_array_file_is_watched_where_it_is_there(folder):
    assert DATASET.watched_files() == []
    np.savez(folder / "tiny.npz", **arrays())
    assert DATASET.watched_files() == [folder / "tiny.npz"]


def test_an_image_that_recurs_in_the_official_test_set_is_used_once(folder):
    content = arrays()
    content["test_images"][0] = content["train_images"][0]
    np.savez(folder / "tiny.npz", **content)
    rows, quarantine, *_ = prepare("xray", DATASET, 32)
    assert len(rows) == 63
    assert quarantine[["file", "kind"]].values.tolist() == [["tiny.npz:test/0", "repeat"]]


def test_the_order_of_the_arrays_changes_no_split(folder):
    content = arrays()
    np.savez(folder / "tiny.npz", **content)
    first = pd.DataFrame(prepare("xray", DATASET, 32)[0]).set_index("sha256")["split"]
    np.savez(folder / "tiny.npz", **{name: values[::-1] for name, values in content.items()})
    second = pd.DataFrame(prepare("xray", DATASET, 32)[0]).set_index("sha256")["split"]
    assert first.equals(second[first.index])


@pytest.mark.parametrize(
    "content",
    [
        {"train_images": np.zeros((2, 28, 28, 28), np.uint8), "train_labels": np.zeros((2, 1))},
        {"train_images": np.zeros((2, 28, 28), np.uint8), "train_labels": np.zeros((2, 14))},
        {"train_images": np.zeros((2, 28, 28)), "train_labels": np.zeros((2, 1))},
        {"train_images": np.zeros((2, 28, 28), np.uint8)},
        {"pixels": np.zeros(3)},
    ],
)
def test_other_arrays_are_refused_with_the_expected_shape(folder, content):
    np.savez(folder / "tiny.npz", **content)
    with pytest.raises(CraftError, match=r"tiny.npz .*expected train/val/test_images, uint8 of shape \(n, h, w\)"):
        read_medmnist(DATASET)


def test_class_numbers_that_are_none_are_named(folder):
    content = arrays()
    np.savez(folder / "tiny.npz", **content | {"val_labels": np.full(content["val_labels"].shape, np.nan)})
    with pytest.raises(CraftError, match="val_labels holds numbers that are not finite"):
        read_medmnist(DATASET)


@pytest.mark.parametrize("data", [b"", b"no arrays", b"PK\x03\x04 cut"])
def test_a_broken_file_is_refused(folder, data):
    (folder / "tiny.npz").write_bytes(data)
    with pytest.raises(CraftError, match=r"tiny.npz cannot be read as a single-label 2-D MedMNIST file"):
        read_medmnist(DATASET)


def test_class_numbers_without_names_are_refused_with_the_remedy(folder):
    np.savez(folder / "tiny.npz", **arrays())
    with pytest.raises(CraftError, match=r"labelled 'normal', only '0', '1'; .*label_names"):
        read_medmnist(DATASET.model_copy(update={"label_names": {}}))


def test_a_missing_file_without_the_package_says_how_to_get_both(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "medmnist", None)
    with pytest.raises(CraftError, match=r"no MedMNIST file .*CRAFT_DATA.*pip install medmnist"):
        read_medmnist(DATASET)
    assert not list(folder.iterdir())


class Downloader:
    """Stands for the classes of the `medmnist` package: what they do is to leave one file in a folder."""

    def __init__(self, split: str, root: str, size: int, download: bool):
        np.savez(f"{root}/tiny_{size}.npz", **arrays((size, size)))
        if size == 128:
            raise RuntimeError("Something went wrong when downloading!")


@pytest.fixture
def package(monkeypatch):
    content = {"INFO": {"tiny": {"python_class": "Downloader"}}, "Downloader": Downloader}
    monkeypatch.setitem(sys.modules, "medmnist", SimpleNamespace(**content))


def test_a_missing_file_is_downloaded_once(folder, package):
    dataset = DATASET.model_copy(update={"path": "arrays/tiny_64.npz"})
    assert len(read_medmnist(dataset)) == 64
    assert [path.name for path in (folder / "arrays").iterdir()] == ["tiny_64.npz"]


@pytest.mark.parametrize(("path", "reason"), [("tiny_128.npz", "download failed"), ("teeth.npz", "no such file")])
def test_a_failed_download_leaves_nothing(folder, package, path, reason):
    with pytest.raises(CraftError, match=reason):
        read_medmnist(DATASET.model_copy(update={"path": path}))
    assert not list(folder.iterdir())
