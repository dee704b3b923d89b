"""Preparation: the whole way from raw images to an image table, through the command line where users meet it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from in_process import run_script
from PIL import Image

from craft.core.errors import CraftError
from craft.core.identity import source_closure
from craft.core.images import decode_images, read_images, write_images
from craft.datasets.prepare import limit_labels, prepare
from craft.datasets.readers import READERS
from craft.datasets.readers.base import RawImage
from craft.datasets.readers.image_folder import ImageFolderDataset
from craft.datasets.readers.phantom import PhantomDataset
from craft.datasets.splits import REAL_SPLITS, check_leakage

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "src")}
EVEN = dict.fromkeys(REAL_SPLITS, 0.2)
DATASET = {
    "reader": "image_folder",
    "modality": "dermoscopy",
    "path": "skin",
    "labels": ["a", "b"],
    "group_column": "patient",
    "splits": EVEN,
}


def save_noise(path: Path, seed: int) -> None:
    """An image that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def save_table(folder: Path, entries: list[tuple[str, str, str]]) -> None:
    pd.DataFrame(entries, columns=["file", "label", "patient"]).to_csv(folder / "labels.csv", index=False)


@pytest.fixture
def entries(tmp_path, monkeypatch) -> list[tuple[str, str, str]]:
    """60 images of 30 patients and two labels in $CRAFT_DATA/skin; returns their rows (file, label, patient)."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    rows = [(f"images/secret{i}.png", "ab"[i % 2], f"{i // 2:03d}") for i in range(60)]
    for seed, (file, _, _) in enumerate(rows):
        save_noise(tmp_path / "skin" / file, seed)
    save_table(tmp_path / "skin", rows)
    return rows


def prepare_images(folder: Path, dataset: dict, resolution: int = 32) -> subprocess.CompletedProcess:
    """Run the command line in a folder."""
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump({"dataset": "skin", "resolution": resolution, "images": dataset}))
    options = ["--images", "out/images.parquet", "--quarantine", "out/quarantine.parquet"]
    return run_script("prepare_images", settings, *options, "--left-out", "out/left_out.csv", folder=folder)


def refuses(folder: Path, dataset: dict) -> str:
    """The one sentence with which the command line refuses; nothing is written."""
    done = prepare_images(folder, dataset)
    assert done.returncode == 2, done.stderr
    assert not list(folder.glob("out/*"))
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("craft: ")
    return done.stderr


def prepared(**changes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Image rows and quarantine of the folder."""
    made = prepare("skin", ImageFolderDataset(**(DATASET | changes)), 32)
    return pd.DataFrame(made.rows), made.quarantine


def test_command_line_writes_a_table_that_pandas_and_datasets_read(entries, tmp_path):
    done = prepare_images(tmp_path, DATASET)
    assert done.returncode == 0, done.stderr
    frame = read_images(tmp_path / "out/images.parquet")
    assert len(frame) == 60
    assert set(frame["split"]) == set(REAL_SPLITS)
    assert decode_images(frame).shape == (60, 32, 32, 3)
    assert len(pd.read_parquet(tmp_path / "out/quarantine.parquet")) == 0
    datasets = pytest.importorskip("datasets")
    read = datasets.Dataset.from_parquet(str(tmp_path / "out/images.parquet"), cache_dir=str(tmp_path / "cache"))
    assert read[0]["image"].size == (32, 32)
    assert read["label"] == list(frame["label"])


def test_patients_keep_their_images_together_and_their_ids_to_themselves(entries):
    frame, _ = prepared()
    assert frame.groupby("patient_id")["split"].nunique().max() == 1
    assert frame["patient_id"].nunique() == 30
    assert frame["patient_id"].str.fullmatch("[0-9a-f]{16}").all()
    text = frame.drop(columns="image").to_csv() + str(frame["image"].map(lambda cell: cell["path"]).unique())
    assert "secret" not in text
    assert set(frame["origin"]) == {"image_folder:skin"}
    assert set(frame["caption"]) == set(frame["coarse_caption"]) == {""}


def test_the_same_raw_id_has_another_pseudonym_in_another_dataset(entries):
    tables = [pd.DataFrame(prepare(name, ImageFolderDataset(**DATASET), 32)[0]) for name in ("skin", "other")]
    assert not set(tables[0]["patient_id"]) & set(tables[1]["patient_id"])
    assert list(tables[0]["split"]) == list(tables[1]["split"])


def test_adding_images_never_moves_old_ones(entries, tmp_path):
    before = prepared()[0].set_index("sha256")["split"]
    rows = list(entries)
    for i in range(60, 90):
        rows.append((f"images/new{i}.png", "ab"[i % 2], f"{i // 3:03d}"))
        save_noise(tmp_path / "skin" / rows[-1][0], i)
    # a repeat of an old image under a new patient, too
    shutil.copy(tmp_path / "skin" / rows[0][0], tmp_path / "skin/images/again.png")
    save_table(tmp_path / "skin", [*rows, ("images/again.png", rows[0][1], "999")])
    after, quarantine = prepared()
    assert len(after) == 90
    assert after.set_index("sha256")["split"][before.index].equals(before)
    assert list(quarantine["kind"]) == ["repeat"]


def test_class_sub_folders_work_without_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    for i in range(60):
        save_noise(tmp_path / "skin" / "ab"[i % 2] / f"{i}.png", i)
    (tmp_path / "skin/a/notes.txt").write_text("no image")
    frame, _ = prepared(group_column=None)
    assert frame["label"].value_counts().to_dict() == {"a": 30, "b": 30}
    assert frame["patient_id"].is_unique


def test_the_label_table_is_watched_where_there_is_one(entries, tmp_path):
    table = tmp_path / "skin" / "labels.csv"
    assert ImageFolderDataset(**DATASET).watched_files() == [table]
    assert ImageFolderDataset(**(DATASET | {"table": "other.csv"})).watched_files() == []
    table.unlink()
    assert ImageFolderDataset(**DATASET).watched_files() == []


def test_empty_and_other_labels_are_left_out_and_raw_labels_renamed(entries, tmp_path):
    named = {"a": "0", "b": "1"}
    rows = [(file, named[label], patient) for file, label, patient in entries]
    save_table(tmp_path / "skin", [*rows[:-2], (rows[-2][0], "", "1"), (rows[-1][0], "7", "1")])
    frame, quarantine = prepared(label_names={"0": "a", "1": "b"})
    assert (len(frame), len(quarantine)) == (58, 0)
    assert set(frame["label"]) == {"a", "b"}


def test_unusable_files_are_quarantined_with_the_reason(entries, tmp_path):
    folder = tmp_path / "skin"
    (folder / entries[0][0]).write_bytes(b"broken")
    (folder / entries[1][0]).unlink()
    Image.open(folder / entries[2][0]).save(folder / "images/twin.bmp")
    shutil.copy(folder / entries[5][0], folder / "images/copy.png")
    rows = [*entries, ("images/twin.bmp", "b", "x"), ("images/copy.png", entries[5][1], "y")]
    rows[8] = (rows[8][0], rows[8][1], "")
    save_table(folder, rows)
    frame, quarantine = prepared(max_quarantined=0.2)
    found = quarantine.set_index("file")
    assert found["kind"].to_dict() == {
        f"skin/{entries[0][0]}": "unreadable",
        f"skin/{entries[1][0]}": "unreadable",
        f"skin/{entries[2][0]}": "contradictory",
        f"skin/{entries[8][0]}": "unreadable",
        "skin/images/twin.bmp": "contradictory",
        "skin/images/copy.png": "repeat",
    }
    assert found["reason"]["skin/images/twin.bmp"] == f"has the pixels of skin/{entries[2][0]}, which is labelled a"
    assert found["reason"][f"skin/{entries[8][0]}"] == "has no group id in the label table"
    assert len(frame) == 56
    check_leakage([frame])


def test_max_per_label_keeps_whole_patients_and_the_splits(entries):
    everything = prepared()[0].set_index("sha256")["split"]
    few, more = (prepared(max_per_label=limit)[0] for limit in (20, 25))
    assert few["label"].value_counts().to_dict() == {"a": 20, "b": 20}
    assert set(few["sha256"]) < set(more["sha256"])
    assert few.set_index("sha256")["split"].equals(everything[few["sha256"]])
    assert (few.groupby("patient_id").size() == 2).all()


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12), limit=st.integers(1, 20), shift=st.integers(0, 11))
def test_limit_is_kept_whatever_the_order_and_cuts_one_patient_at_most(sizes, limit, shift):
    raw = [RawImage(f"{g}/{i}", "a", str(g), lambda size: None) for g, size in enumerate(sizes) for i in range(size)]
    kept = {image.file for image in limit_labels(raw, limit)}
    assert len(kept) == min(limit, len(raw))
    assert kept == {image.file for image in limit_labels(raw[shift:] + raw[:shift], limit)}
    held = [sum(file.startswith(f"{g}/") for file in kept) for g in range(len(sizes))]
    assert sum(0 < count < size for count, size in zip(held, sizes, strict=True)) <= 1


def test_phantoms_have_captions_and_attributes():
    dataset = PhantomDataset(
        reader="phantom", modality="fundus", labels=["no_dr", "proliferative_dr"], images_per_label=30, splits=EVEN
    )
    frame = pd.DataFrame(prepare("eyes", dataset, 32)[0])
    assert frame["label"].value_counts().to_dict() == {"no_dr": 30, "proliferative_dr": 30}
    assert frame["patient_id"].is_unique
    assert frame["caption"].str.len().min() > 20
    assert frame["coarse_caption"].str.len().min() > 5
    assert all(json.loads(text) for text in frame["attributes"])
    again = pd.DataFrame(prepare("eyes", dataset, 32)[0])
    assert list(again["sha256"]) == list(frame["sha256"])


def test_a_table_is_the_same_bytes_when_made_again(entries, tmp_path):
    for name in ("one", "two"):
        write_images(tmp_path / name, prepare("skin", ImageFolderDataset(**DATASET), 32)[0])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_missing_folder_is_refused(entries, tmp_path):
    assert "CRAFT_DATA is" in refuses(tmp_path, DATASET | {"path": "nowhere"})


def test_without_craft_data_the_default_folder_is_searched_and_the_variable_named(tmp_path, monkeypatch):
    monkeypatch.delenv("CRAFT_DATA", raising=False)
    assert "data/raw/skin (CRAFT_DATA is unset" in refuses(tmp_path, DATASET)


def test_without_craft_data_images_of_the_default_folder_are_read(entries, tmp_path, monkeypatch):
    monkeypatch.delenv("CRAFT_DATA")
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "skin").rename(tmp_path / "data/raw/skin")
    assert prepare_images(tmp_path, DATASET).returncode == 0


def test_empty_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    (tmp_path / "skin").mkdir()
    assert "holds no image" in refuses(tmp_path, DATASET | {"group_column": None})
    assert "no label table labels.csv in skin" in refuses(tmp_path, DATASET)


def test_a_label_that_never_occurs_is_refused_and_the_found_ones_named(entries, tmp_path):
    sentence = refuses(tmp_path, DATASET | {"labels": ["a", "melanom"]})
    assert "no image labelled 'melanom', only 'a', 'b'" in sentence
    assert "label_names" in sentence


def test_missing_columns_are_refused(entries, tmp_path):
    assert "no column 'lesion', only file, label, patient" in refuses(tmp_path, DATASET | {"group_column": "lesion"})


def test_an_unreadable_table_is_refused(entries, tmp_path):
    (tmp_path / "skin/labels.csv").write_bytes(b"\xff\xfe\x00")
    assert "no readable CSV table" in refuses(tmp_path, DATASET)
    (tmp_path / "skin/labels.csv").write_bytes(b"")
    assert "no readable CSV table" in refuses(tmp_path, DATASET)


def test_too_many_corrupt_images_are_refused_and_the_first_named(entries, tmp_path):
    for file, _, _ in entries[:2]:
        (tmp_path / "skin" / file).write_bytes(b"broken")
    sentence = refuses(tmp_path, DATASET)
    assert "2 of 60 files" in sentence
    assert f"skin/{entries[0][0]}, is no image of a known format" in sentence


def test_one_corrupt_image_within_the_share_only_leaves_itself_out(entries, tmp_path):
    (tmp_path / "skin" / entries[0][0]).write_bytes(b"broken")
    assert prepare_images(tmp_path, DATASET).returncode == 0
    assert list(pd.read_parquet(tmp_path / "out/quarantine.parquet")["kind"]) == ["unreadable"]


def test_a_one_image_class_is_refused_with_the_remedy(entries, tmp_path):
    save_noise(tmp_path / "skin/images/rare.png", 99)
    save_table(tmp_path / "skin", [*entries, ("images/rare.png", "rare", "400")])
    sentence = refuses(tmp_path, DATASET | {"labels": ["a", "b", "rare"]})
    assert "label 'rare' has no image in split" in sentence
    assert "1 usable image of 1 patient in all" in sentence
    assert "split_seed" in sentence


def test_too_few_phantoms_are_refused_with_the_remedy(tmp_path):
    dataset = {
        "reader": "phantom",
        "modality": "fundus",
        "labels": ["no_dr", "proliferative_dr"],
        "images_per_label": 2,
    }
    assert "raise `images_per_label`" in refuses(tmp_path, dataset)


def test_unknown_phantoms_are_refused(tmp_path):
    dataset = {"reader": "phantom", "modality": "fundus", "labels": ["no_dr", "melanoma"]}
    assert "have no label 'melanoma'; write labels of no_dr" in refuses(tmp_path, dataset)
    assert "no phantoms of modality 'teeth'" in refuses(tmp_path, dataset | {"modality": "teeth"})


def test_the_script_imports_nothing_heavy():
    code = f"import runpy, sys; runpy.run_path({str(ROOT / 'scripts/prepare_images.py')!r}); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, env=os.environ | ENVIRONMENT, capture_output=True, text=True)
    assert not {"torch", "scipy", "skimage", "sklearn"} & set(done.stdout.split())


def test_a_job_depends_on_the_code_of_its_own_reader_alone():
    folder = "src/craft/datasets/readers/"
    files = source_closure("prepare_images", READERS.modules("medmnist"))
    assert {file.removeprefix(folder) for file in files if file.startswith(folder)} == {
        "__init__.py",
        "base.py",
        "medmnist.py",
    }


def test_all_unreadable_is_refused_even_when_all_may_be_quarantined(entries, tmp_path):
    for file, _, _ in entries:
        (tmp_path / "skin" / file).write_bytes(b"broken")
    with pytest.raises(CraftError, match="0 usable images of 0 patients"):
        prepared(max_quarantined=1.0)
