"""The reader of image folders: layouts as publishers hand them out, and nothing that vanishes without a word."""

import logging
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from craft.core.errors import CraftError
from craft.datasets.files import FileIndex, entry_path, mask_sign, suggest_group_pattern
from craft.datasets.preprocess import UnreadableImage
from craft.datasets.readers.base import Reading, Reason
from craft.datasets.readers.image_folder import ImageFolderDataset

TWO = ["nevus", "melanoma"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder `$CRAFT_DATA/set`."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def save(folder: Path, files: Iterable[str]) -> None:
    """Pictures of noise, one for each name."""
    for seed, file in enumerate(files):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)


def dataset(**keys) -> ImageFolderDataset:
    return ImageFolderDataset(**{"reader": "image_folder", "modality": "skin", "path": "set", "labels": TWO} | keys)


def read(**keys) -> Reading:
    """The reading of the folder, each image of which can be loaded."""
    reading = dataset(**keys).read()
    for image in reading:
        image.load(8)
    return reading


def labels(reading: Reading) -> dict[str, str]:
    """Label by path below the folder."""
    return {image.file.removeprefix("set/"): image.label for image in reading}


def left_out(reading: Reading) -> dict[tuple[str, str], int]:
    return {(str(reason), value): count for (reason, value), count in reading.left_out.items()}


def refused(**keys) -> str:
    """The one sentence with which reading ends."""
    with pytest.raises(CraftError) as error:
        dataset(**keys).read()
    assert "\n" not in str(error.value)
    return str(error.value)


def write(folder: Path, *lines: str, name: str = "labels.csv") -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


# which file a row means


def test_ids_without_extension_are_found_in_several_folders(folder):
    save(folder, ["part_1/ISIC_1.jpg", "part_2/ISIC_2.jpg"])
    write(folder, "lesion_id,image_id,dx", "L1,ISIC_1,nv", "L1,ISIC_2,mel", name="meta.csv")
    reading = read(table="meta.csv", file_column="image_id", label_column="dx", labels=["nv", "mel"])
    assert labels(reading) == {"part_1/ISIC_1.jpg": "nv", "part_2/ISIC_2.jpg": "mel"}


def test_a_prefix_of_the_path_that_is_not_on_disk_does_not_count(folder):
    save(folder, ["train/patient1/view1.jpg", "train/patient2/view1.jpg"])
    write(folder, "file,label", "Set-v1.0/train/patient1/view1.jpg,nevus", "/old/train/patient2/view1.jpg,melanoma")
    assert labels(read()) == {"train/patient1/view1.jpg": "nevus", "train/patient2/view1.jpg": "melanoma"}


def test_paths_of_windows_are_paths(folder):
    save(folder, ["sub/a.png", "sub/b.png"])
    write(folder, "file,label", "sub\\a.png,nevus", ".\\sub\\b.png,melanoma")
    assert labels(read()) == {"sub/a.png": "nevus", "sub/b.png": "melanoma"}
    assert entry_path("C:\\data\\sub\\a.png") == "data/sub/a.png"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_names_are_the_same(folder, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    save(folder, [unicodedata.normalize(form, "né.png"), "b.png"])
    write(folder, "file,label", unicodedata.normalize(other, "né.png") + ",nevus", "b.png,melanoma")
    assert len(read()) == 2


def test_another_extension_of_the_same_image_is_found(folder):
    save(folder, ["a.jpg", "b.jpg"])
    write(folder, "file,label", "a.png,nevus", "b.png,melanoma")
    assert labels(read()) == {"a.jpg": "nevus", "b.jpg": "melanoma"}


def test_ids_written_with_a_decimal_point_are_not_other_ids():
    assert FileIndex(["1.2.840.5.png", "x/1.2.840.png"]).find("1.2.840") == ["x/1.2.840.png"]


def test_a_file_that_may_be_two_is_refused_with_the_line_that_tells_them_apart(folder):
    save(folder, ["images/1.png", "masks/1.png", "images/2.png"])
    write(folder, "file,label", "1,nevus", "2,melanoma")
    assert "may be images/1.png or masks/1.png" in refused()
    assert "`include: [images/*]`" in refused()
    assert labels(read(include=["images/*"])) == {"images/1.png": "nevus", "images/2.png": "melanoma"}


def test_two_rows_that_would_share_a_file_by_guessing_are_refused(folder):
    save(folder, ["1.png", "2.png"])
    write(folder, "file,label", "train/1.png,nevus", "test/1.png,melanoma", "2.png,melanoma")
    assert "'train/1.png' and 'test/1.png', but set holds 1.png alone" in refused()


def test_a_file_that_is_nowhere_is_quarantined_with_the_reason(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file,label", "a.png,nevus", "b.png,melanoma", "c.png,nevus")
    with pytest.raises(Exception, match="is not in the folder, under no other extension"):
        read()


# which column says what


def test_another_name_of_the_file_column_is_found_and_shown(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file_name,label", "a.png,nevus", "b.png,melanoma", name="metadata.csv")
    assert "write `file_column: file_name`" in refused(table="metadata.csv")
    assert len(read(table="metadata.csv", file_column="file_name")) == 2


def test_the_column_that_holds_the_labels_is_found_and_shown(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file,dx", "a.png,nevus", "b.png,melanoma")
    assert "write `label_column: dx`" in refused()


def test_one_hot_columns_are_shown_and_read(folder):
    save(folder, ["a.png", "b.png", "c.png", "d.png", "e.png"])
    names = {"NV": "nevus", "MEL": "melanoma"}
    rows = ["a,1.0,0.0,0", "b,0,1,0", "c,1,1,0", "d,0,0,1", "e,-1,1,0"]
    write(folder, "image,NV,MEL,UNK", *rows)
    keys = {"file_column": "image", "label_names": names}
    assert "one-hot" in refused(**keys) and "write `one_hot: [NV, MEL, UNK]`" in refused(**keys)
    reading = read(one_hot=["NV", "MEL", "UNK"], **keys)
    assert labels(reading) == {"a.png": "nevus", "b.png": "melanoma"}
    assert left_out(reading) == {
        ("several labels", "NV | MEL"): 1,
        ("label not chosen", "UNK"): 1,
        ("uncertain label", "NV = -1"): 1,
    }


def test_a_table_without_a_header_is_refused_without_a_cell_of_it(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "a.png,nevus,Smith", "b.png,melanoma,Jones")
    sentence = refused(group_column="patient")
    assert "has no header" in sentence and "Smith" not in sentence and "file,label,patient" in sentence


def test_the_column_of_patients_named_as_that_of_labels_is_not_shown(folder):
    save(folder, [f"{number}.png" for number in range(30)])
    write(folder, "file,label,patient_id,code", *(f"{i}.png,nevus,Smith{i},Jones{i}" for i in range(30)))
    for column, name in (("patient_id", "Smith"), ("code", "Jones")):
        assert name not in refused(label_column=column)
    with pytest.raises(ValueError, match="is a column of labels"):
        dataset(label_column="patient_id", group_column="patient_id")


def test_labels_that_differ_in_writing_alone_are_shown_as_a_line(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file,label", "a.png,Nevus", "b.png,Melanoma")
    assert "write `label_names: {Melanoma: melanoma, Nevus: nevus}`" in refused()


def test_whole_numbers_written_as_decimals_are_the_labels_and_patients_that_they_were(folder):
    save(folder, ["a.png", "b.png", "c.png"])
    write(folder, "file,label,patient", "a.png,0.0,17.0", "b.png,1.0,18.0", "c.png,1,17")
    reading = read(label_names={"0": "nevus", "1": "melanoma"}, group_column="patient")
    assert [image.label for image in reading] == ["nevus", "melanoma", "melanoma"]
    assert [image.group for image in reading] == ["17", "18", "17"]
    assert len(read(label_names={"0.0": "nevus", "1.0": "melanoma"})) == 3


# several labels, rows and images


@pytest.mark.parametrize(
    ("policy", "kept", "reasons"),
    [
        ("leave_out", {"a.png": "nevus", "b.png": "melanoma"}, {"several labels": 3}),
        ("ignore_others", {"a.png": "nevus", "b.png": "melanoma", "c.png": "nevus"}, {"several labels": 2}),
        ("first", {"a.png": "nevus", "b.png": "melanoma", "c.png": "nevus", "d.png": "nevus", "e.png": "nevus"}, {}),
        ("majority", {"a.png": "nevus", "b.png": "melanoma", "e.png": "melanoma"}, {"several labels": 2}),
    ],
)
def test_images_of_several_labels_follow_the_policy(folder, policy, kept, reasons):
    save(folder, [f"{name}.png" for name in "abcde"])
    rows = ["a.png,nevus", "b.png,melanoma", "c.png,nevus|mole", "d.png,nevus|melanoma", "e.png,melanoma"]
    write(folder, "file,label", *rows, "e.png,melanoma", "e.png,nevus")
    reading = read(label_separator="|", several_labels=policy)
    assert labels(reading) == kept
    assert {str(r): n for (r, _), n in reading.left_out.items() if r is Reason.REPEATED_ROW} == {
        "further row of the same image": 2
    }
    counted = pd.Series({r: 0 for r in reasons}, dtype=int)
    for (reason, _), count in left_out(reading).items():
        if reason == "several labels":
            counted[reason] += count
    assert counted.to_dict() == reasons


def test_labels_that_only_occur_with_others_show_the_separator(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file,label", "a.png,nevus", "b.png,melanoma|mole")
    assert '`label_separator: "|"`' in refused()


def test_several_rows_of_an_image_are_one_image(folder):
    save(folder, ["a.png", "b.png"])
    write(folder, "file,label,box", "a.png,nevus,1", "a.png,nevus,2", "b.png,melanoma,3")
    reading = read()
    assert len(reading) == 2 and left_out(reading) == {("further row of the same image", ""): 1}


def test_an_image_of_two_patients_is_left_out_and_neither_is_named(folder):
    save(folder, ["a.png", "b.png", "c.png"])
    write(folder, "file,label,who", "a.png,nevus,Smith", "a.png,nevus,Jones", "b.png,melanoma,X", "c.png,nevus,Y")
    reading = read(group_column="who")
    assert ("several groups for one image", "") in left_out(reading)
    assert "Smith" not in str(reading.left_out)


def test_two_eyes_in_a_row_are_two_images_of_one_group(folder):
    save(folder, ["1_l.jpg", "1_r.jpg", "2_l.jpg", "2_r.jpg"])
    write(folder, "id,left,right,lab_l,lab_r", "1,1_l.jpg,1_r.jpg,nevus,melanoma", "2,2_l.jpg,2_r.jpg,nevus,nevus")
    keys = {"file_column": ["left", "right"], "label_column": ["lab_l", "lab_r"]}
    reading = read(**keys)
    assert list(labels(reading).values()) == ["nevus", "melanoma", "nevus", "nevus"]
    assert len({image.group for image in reading}) == 2
    assert {image.group for image in read(**keys, group_column="id")} == {"1", "2"}
    with pytest.raises(ValueError, match="2 columns of labels stand beside 1 of files"):
        dataset(label_column=["lab_l", "lab_r"])


def test_a_pattern_names_the_patient_in_the_path_or_in_a_column(folder):
    save(folder, ["nevus/person1_a_1.png", "nevus/person1_b_2.png", "melanoma/person2_1.png", "melanoma/x.png"])
    reading = dataset(group_pattern=r"(person\d+)_").read()
    assert [image.group for image in reading] == ["person2", "", "person1", "person1"]
    with pytest.raises(Exception, match="holds no match of `group_pattern`"):
        reading[1].load(8)
    write(folder, "file,label,study", "nevus/person1_a_1.png,nevus,S1-001", "melanoma/x.png,melanoma,S1-002")
    assert {image.group for image in read(group_pattern="^(S[0-9]+)-", group_column="study")} == {"S1"}
    with pytest.raises(ValueError, match="no regular expression"):
        dataset(group_pattern="(")


# class folders


def test_train_and_test_folders_above_the_class_folders_are_pooled(folder):
    save(folder, ["train/nevus/1.png", "test/nevus/1.png", "val/melanoma/sub/1.png", "test/2.png", "train/mole/3.png"])
    reading = read()
    assert sorted(labels(reading)) == ["test/nevus/1.png", "train/nevus/1.png", "val/melanoma/sub/1.png"]
    assert left_out(reading) == {("image outside of the class folders", "test"): 1, ("label not chosen", "mole"): 1}


def test_class_folders_of_two_labels_on_one_way_are_left_out(folder):
    save(folder, ["nevus/melanoma/1.png", "nevus/2.png", "melanoma/3.png"])
    reading = read()
    assert len(reading) == 2 and left_out(reading) == {("several labels", "nevus | melanoma"): 1}


def test_a_folder_with_a_table_of_another_name_shows_the_line(folder):
    save(folder, ["a.png"])
    write(folder, "file,label", "a.png,nevus", name="train.csv")
    assert "`table: train.csv`" in refused()


def test_links_to_folders_are_followed_once(folder, tmp_path):
    save(tmp_path / "elsewhere", ["1.png"])
    save(folder, ["melanoma/2.png"])
    os.symlink(tmp_path / "elsewhere", folder / "nevus")
    os.symlink(folder, folder / "melanoma/loop")
    assert labels(read()) == {"nevus/1.png": "nevus", "melanoma/2.png": "melanoma"}


# nothing vanishes silently


def test_files_that_cannot_be_read_are_counted_by_kind(folder):
    save(folder, ["nevus/1.png", "melanoma/2.png"])
    for name, data in {
        "nevus/1.dcm": b"",
        "nevus/IM0003": bytes(128) + b"DICM",
        "nevus/1.2.840.7": bytes(128) + b"DICM",
        "melanoma/a.nii.gz": b"",
        "melanoma/slide.svs": b"",
        "melanoma/notes.txt": b"",
        "melanoma/.hidden": b"",
    }.items():
        (folder / name).write_bytes(data)
    assert left_out(read()) == {
        ("file of a kind that is not read", kind): count
        for kind, count in {
            ".dcm (DICOM)": 1,
            "no extension (DICOM)": 2,
            ".nii.gz (NIfTI)": 1,
            ".svs (whole slide)": 1,
            ".txt": 1,
        }.items()
    }


def test_images_that_the_table_does_not_name_and_rows_without_a_file_are_counted(folder):
    save(folder, ["a.png", "b.png", "c.png", "d.JPG"])
    write(folder, "file,label", "a.png,nevus", "b.png,melanoma", ",nevus", "c.png,")
    reading = read()
    assert left_out(reading) == {
        ("row without a file name", ""): 1,
        ("no label", ""): 1,
        ("image that the table does not name", ".jpg"): 1,
    }


def test_what_is_left_out_is_logged_by_reason(folder, caplog):
    save(folder, ["a.png", "b.png", "c.png"])
    write(folder, "file,label", "a.png,nevus", "b.png,melanoma", "c.png,mole|nevus")
    with caplog.at_level(logging.INFO):
        dataset().read().tell("skin")
    assert "skin: left out 1: label not chosen ('mole|nevus' 1)" in caplog.text


def test_raw_values_that_may_be_ids_are_counted_and_not_kept(folder):
    files = [f"{number}.png" for number in range(40)]
    save(folder, files)
    rows = [f"{file},{TWO[i] if i < 2 else f'Smith{i}'}" for i, file in enumerate(files)]
    write(folder, "file,label", *rows)
    assert left_out(read()) == {("label not chosen", ""): 38}


def test_without_a_patient_the_log_says_so(folder, caplog):
    save(folder, ["nevus/1.png", "melanoma/2.png"])
    read()
    assert "every image counts as a patient of its own" in caplog.text
    caplog.clear()
    read(group_pattern="[0-9]")
    assert "patient" not in caplog.text


@pytest.mark.parametrize(
    ("files", "pattern", "count", "persons"),
    [
        (["p/person1_bacteria_1.jpg", "p/person1_bacteria_2.jpg", "p/person2_virus_1.jpg", "p/person2_virus_3.jpg"],
         r"(person\d+)", 4, 2),
        (["a/00001_000.png", "a/00001_001.png", "a/00002_000.png", "a/00002_001.png", "a/3_0.png"],
         r"([^/]*)[_\-. ]", 4, 2),
        (["x/patient00001/study1/v.jpg", "x/patient00001/study2/v.jpg", "x/patient00002/1/v.jpg",
          "x/patient00002/2/v.jpg", "x/patient00003/2/v.jpg"], r"(patient\d+)", 4, 2),
    ],
)  # fmt: skip
def test_several_images_of_a_person_are_told_from_names(files, pattern, count, persons):
    assert suggest_group_pattern(files) == (pattern, count, persons)


@pytest.mark.parametrize("names", [["ISIC_{}"], ["n{:03d}"], ["benign ({})"], ["train_2019_{}"], ["1{:04d}"]])
def test_numbered_names_are_no_persons(names):
    assert suggest_group_pattern([f"{folder}/{n:04d}.png" for folder in "abc" for n in range(9)]) is None
    assert suggest_group_pattern([f"a/{name.format(number)}.png" for name in names for number in range(20)]) is None


# masks


def test_masks_beside_images_stop_the_reading_and_the_shown_line_leaves_them_out(folder):
    images = [f"{label}/{label} ({number}).png" for label in TWO for number in range(3)]
    save(folder, [*images, *(image.replace(".png", "_mask.png") for image in images), "nevus/nevus (1)_mask_1.png"])
    sentence = refused()
    assert "7 of 13 files look like masks by their names" in sentence and "`exclude: ['*mask*']`" in sentence
    reading = read(exclude="*mask*")
    assert sorted(labels(reading)) == sorted(images)
    assert left_out(reading) == {("excluded by `include` or `exclude`", "*mask*"): 7}
    assert len(read(take_masks=True)) == 13


def test_masks_by_another_name_are_told_by_their_pixels(folder):
    save(folder, ["nevus/1.png", "melanoma/1.png"])
    Image.fromarray(np.pad(np.full((4, 4), 255, np.uint8), 2)).save(folder / "nevus/1_area.png")
    images = {image.file: image for image in dataset().read()}
    with pytest.raises(UnreadableImage, match="two grey values at most, as a mask has"):
        images["set/nevus/1_area.png"].load(8)
    assert len(read(take_masks=True)) == 3


@pytest.mark.parametrize(
    "file",
    ["a_mask.png", "Mask-1.png", "a_segmentation.png", "masks/a.png", "x/ISIC_1_Segmentation.png", "GT/a.png",
     "train_masks/1.png", "1mask.png"],
)  # fmt: skip
def test_names_of_masks(file):
    assert mask_sign(file)


@pytest.mark.parametrize(
    "file", ["unmasked.png", "damask.png", "segment_length.png", "roi_1.png", "gtx.png", "mask/a.png"]
)
def test_names_of_images(file):
    assert not mask_sign(file, ["mask"])


def test_the_column_of_patients_under_the_name_of_the_labels_shows_none_of_them(folder):
    save(folder, ["a.png", "b.png", "c.png"])
    write(folder, "file,label,person", "a.png,J12,J12", "b.png,J13,J13", "c.png,nevus,J14")
    told = refused(group_column="person")
    assert "values that may be ids and are not shown" in told and "J1" not in told
