"""Raw files: what changes them makes a dataset out of date, a touch of its table does not."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from craft.datasets.readers.image_folder import ImageFolderDataset
from craft.datasets.readers.phantom import PhantomDataset
from craft.pipeline.watch import write_manifest


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path, "BMP")


@pytest.fixture
def images(tmp_path, monkeypatch) -> Path:
    """A folder of images of equal size with a table."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    for number in range(4):
        save(tmp_path / "set" / f"sub/{number}.bmp", number)
    (tmp_path / "set/labels.csv").write_text("file,label\n" + "".join(f"sub/{n}.bmp,a\n" for n in range(4)))
    return tmp_path / "set"


def manifest(tmp_path: Path) -> tuple[str, int]:
    """The text of the manifest, and when it was written."""
    dataset = ImageFolderDataset(reader="image_folder", modality="skin", path="set", labels=["a", "b"])
    path = write_manifest(dataset, tmp_path / "settings")
    return path.read_text(), path.stat().st_mtime_ns


def add(folder: Path) -> None:
    save(folder / "sub/new.bmp", 9)


def remove(folder: Path) -> None:
    (folder / "sub/0.bmp").unlink()


def rename(folder: Path) -> None:
    (folder / "sub/0.bmp").rename(folder / "sub/00.bmp")


def replace(folder: Path) -> None:
    save(folder / "sub/0.bmp", 9)


def edit_table(folder: Path) -> None:
    (folder / "labels.csv").write_text((folder / "labels.csv").read_text().replace("0.bmp,a", "0.bmp,b"))


@pytest.mark.parametrize("change", [add, remove, rename, replace, edit_table])
def test_a_change_of_the_data_changes_the_manifest(images, tmp_path, change):
    before = manifest(tmp_path)[0]
    change(images)
    assert manifest(tmp_path)[0] != before


def test_what_is_no_image_and_a_touched_table_change_nothing(images, tmp_path):
    before = manifest(tmp_path)
    os.utime(images / "labels.csv", (1, 1))
    (images / "notes.txt").write_text("read me")
    (images / ".hidden.bmp").write_bytes(b"")
    assert manifest(tmp_path) == before, "the file was written again"


def test_a_table_of_the_same_size_and_time_is_not_read_again(images, tmp_path, monkeypatch):
    manifest(tmp_path)
    monkeypatch.setattr("craft.pipeline.watch.hash_files", lambda files: pytest.fail("read again"))
    manifest(tmp_path)


def test_data_that_are_gone_or_moved_leave_the_manifest_as_it_was(images, tmp_path, monkeypatch):
    before = manifest(tmp_path)
    shutil.copytree(images, tmp_path / "elsewhere/set")
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path / "elsewhere"))
    assert manifest(tmp_path) == before
    shutil.rmtree(tmp_path / "elsewhere/set")
    assert manifest(tmp_path) == before


def test_phantoms_have_no_manifest(tmp_path):
    dataset = PhantomDataset(reader="phantom", modality="fundus", labels=["no_dr", "proliferative_dr"])
    assert write_manifest(dataset, tmp_path) is None and not list(tmp_path.iterdir())
