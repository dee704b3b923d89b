"""Images that another program made: read as real ones are, left out by reason, and what is wrong with them told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_process import run_script
from PIL import Image

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, write_images
from craft.datasets.given import read_given
from craft.datasets.readers.phantom import PhantomDataset
from craft.datasets.settings import ReadJob
from craft.pipeline.watch import write_manifest
from craft.training.methods.images import ImagesMethod

REAL = PhantomDataset(reader="phantom", modality="dermoscopy", labels=["nevus", "melanoma"])


def save(path: Path, seed: int, side: int = 40) -> None:
    """An image that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side + 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """$CRAFT_DATA/gan with three images of each of two labels, in class folders."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    for number, label in enumerate(("melanoma", "nevus")):
        for index in range(3):
            save(tmp_path / f"gan/{label}/{index}.png", 10 * number + index)
    return tmp_path / "gan"


def job(path: str = "gan", resolution: int = 32, **keys) -> ReadJob:
    """The job of a method of the kind `images`, as the pipeline resolves it."""
    method = ImagesMethod(kind="images", path=path, **keys)
    images = method.reader("skin", REAL, 0, resolution)
    return ReadJob(dataset="skin", method="gan", seed=0, resolution=resolution, images=images)


def counts(table: pd.DataFrame) -> dict[str, int]:
    return table.set_index("kind")["images"].to_dict()


def test_images_of_a_folder_become_the_table_that_a_method_of_the_run_writes(folder, tmp_path):
    rows, left_out, counted = read_given(job())
    write_images(tmp_path / "images.parquet", rows)
    table = read_images(tmp_path / "images.parquet")
    assert table["label"].tolist() == ["nevus"] * 3 + ["melanoma"] * 3, "not in the order of the dataset's labels"
    assert table["image_id"].tolist() == [f"{number:06d}" for number in range(6)]
    assert set(table["split"]) == {"generated"} and set(table["origin"]) == {"given:skin/gan/seed0"}
    assert decode_images(table).shape == (6, 32, 32, 3)
    assert left_out.empty and counts(counted) == {"read": 6}


def test_labels_are_renamed_from_the_column_of_a_table(folder):
    files = sorted(folder.glob("*/*.png"))
    raw = ["MEL" if "melanoma" in str(file) else "NV" for file in files]
    rows = {"file": [str(file.relative_to(folder)) for file in files], "class": raw}
    pd.DataFrame(rows).to_csv(folder / "made.csv", index=False)
    keys = {"table": "made.csv", "label_column": "class", "label_names": {"MEL": "melanoma", "NV": "nevus"}}
    rows, _, _ = read_given(job(**keys))
    assert [row["label"] for row in rows] == ["nevus"] * 3 + ["melanoma"] * 3


def test_the_names_of_the_dataset_hold_for_its_synthetic_images_too(folder):
    (folder / "melanoma").rename(folder / "mel")
    known = job().images
    real = known.model_copy(update={"label_names": {"mel": "melanoma"}})
    method = ImagesMethod(kind="images", path="gan")
    images = method.reader("skin", real, 0, 32)
    assert images.label_names == {"mel": "melanoma"} and len(images.read()) == 6


def test_what_is_left_out_is_counted_by_reason_and_repeats_are_kept(folder):
    (folder / "nevus/torn.png").write_bytes((folder / "nevus/0.png").read_bytes()[:200])
    save(folder / "nevus/tiny.png", 50, side=20)
    save(folder / "keratosis/0.png", 51)
    (folder / "nevus/again.png").write_bytes((folder / "nevus/0.png").read_bytes())
    rows, left_out, counted = read_given(job(max_quarantined=0.5))
    assert counts(counted) == {"read": 7, "too_small": 1, "unreadable": 1, "label not chosen": 1}
    reasons = left_out.set_index("file")["reason"]
    assert reasons["gan/nevus/tiny.png"] == "is 26 x 20 pixels, smaller than 32 x 32"
    assert len(rows) == 7 and len({row["sha256"] for row in rows}) == 6


def test_images_of_a_parquet_table_are_those_of_the_folder(folder, tmp_path):
    rows, _, _ = read_given(job())
    write_images(tmp_path / "gan.parquet", rows)
    again, left_out, _ = read_given(job("gan.parquet"))
    assert [row["sha256"] for row in again] == [row["sha256"] for row in rows] and left_out.empty


def test_small_images_are_enlarged_where_that_is_asked_for(folder):
    rows, _, _ = read_given(job(resolution=64, enlarge=True))
    assert len(rows) == 6


def remove_label(folder: Path) -> None:
    for file in (folder / "melanoma").iterdir():
        file.rename(folder / "nevus" / f"new_{file.name}")


MISTAKES = {
    "no such folder": (lambda folder: folder.rename(folder.parent / "other"), {}, "no data folder .*gan"),
    "no image": (
        lambda folder: [file.unlink() for file in folder.glob("*/*")],
        {},
        "gan holds no image in a sub-folder: expected",
    ),
    "unknown labels": (
        lambda folder: (folder / "melanoma").rename(folder / "mel"),
        {},
        r"holds no image labelled 'melanoma', only 'mel', 'nevus'; .*label_names: \{<raw label>: melanoma\}",
    ),
    "a label is missing": (remove_label, {}, "holds no image labelled 'melanoma', only 'nevus'"),
    "one image of a label": (
        lambda folder: [(folder / f"nevus/{index}.png").unlink() for index in (1, 2)],
        {},
        "method 'gan', dataset 'skin': label 'nevus' has 1 usable image, and an interval needs 2",
    ),
    "another resolution": (
        lambda folder: None,
        {"resolution": 64},
        "method 'gan', dataset 'skin': 6 of 6 files .* is 46 x 40 pixels, smaller than 64 x 64; .* `enlarge: true`",
    ),
    "no such column": (
        lambda folder: (folder / "labels.csv").write_text("file,class\nnevus/0.png,nevus\n"),
        {},
        "labels.csv has no column 'label', only file, class",
    ),
    "no such table": (lambda folder: None, {"path": "gan.parquet"}, "no image table .*gan.parquet"),
}


@pytest.mark.parametrize(("spoil", "keys", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(folder, spoil, keys, sentence):
    spoil(folder)
    with pytest.raises(CraftError, match=sentence) as error:
        read_given(job(**keys))
    assert "\n" not in str(error.value)


def test_a_mistake_ends_the_job_with_exit_code_2_and_nothing_half_written(folder, tmp_path):
    settings, output = tmp_path / "read_images.yaml", tmp_path / "out"
    job("nowhere").save(settings)
    options = [f"--{name}={output / name}.parquet" for name in ("images", "quarantine", "counts")]
    run = run_script("read_images", settings, *options)
    assert run.returncode == 2 and "Traceback" not in run.stderr
    assert [line for line in run.stderr.splitlines() if "no data folder" in line and line.startswith("craft: ")]
    assert not output.exists()


def test_a_new_image_makes_the_images_out_of_date_and_a_note_does_not(folder, tmp_path):
    def watched():
        return write_manifest(job().images, tmp_path / "settings").read_text()

    before = watched()
    (folder / "notes.txt").write_text("no image")
    assert watched() == before
    save(folder / "nevus/new.png", 60)
    assert watched() != before
