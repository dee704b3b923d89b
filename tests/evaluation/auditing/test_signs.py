"""What is true of which image: of phantoms by what was drawn, of real images by thresholds on biomarkers."""

import json
from pathlib import Path

import numpy as np
import pytest
from greys import BRIGHT, DARK, STATEMENTS, draw_images, measure, two_labels

from craft.core.errors import CraftError
from craft.core.images import image_row, read_images, write_images
from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.auditing.settings import AuditSettings, SignSettings, SignsJob
from craft.evaluation.auditing.signs import find_signs
from craft.knowledge.schema import Knowledge
from craft.training.signs import COLUMNS, NO, UNKNOWN, YES

BANK = Path(__file__).parents[3] / "data" / "knowledge" / "dermoscopy.yaml"
LABELS = ["nevus", "melanoma"]


def make_job(modality: str, limit: int | None = None, **audit) -> SignsJob:
    signs = SignSettings(measured_per_label=limit)
    return SignsJob(dataset="some", modality=modality, signs=signs, audit=AuditSettings(**audit))


def write_phantoms(path, **changed) -> None:
    """Three phantoms of each label and split, with the attributes that were drawn for them, or changed ones."""
    rows, modality = [], find_modality("dermoscopy")
    for index, split in enumerate(["train", "test", "calibration"] * 3):
        for label in LABELS:
            made = make_phantom(modality, label, 32, 5, index)
            texts = {"attributes": json.dumps(made.attributes), "patient_id": f"{label}{index}"} | changed
            rows.append(image_row(made.image, label=label, split=split, origin="phantom:some", **texts))
    write_images(path, rows)


@pytest.fixture
def greys(tmp_path):
    """Real images of two grey levels; outside of the calibration split half of the bright label's are drawn dark."""
    rows = []
    for split in ("train", "calibration", "test"):
        labels = [BRIGHT, DARK] * 12
        images = draw_images(labels, {BRIGHT: 180, DARK: 60}, seed=len(split))
        if split != "calibration":
            images[::4] = draw_images([DARK] * 6, {DARK: 60}, seed=9 + len(split))
        for number, image in enumerate(images):
            image[0, 0] = (number, len(split), 0)  # no two images are the same
        rows += [
            image_row(image, label=label, split=split, origin="drawn", patient_id=f"{split}{number}")
            for number, (image, label) in enumerate(zip(images, labels, strict=True))
        ]
    write_images(tmp_path / "images.parquet", rows)
    return tmp_path / "images.parquet"


def test_the_items_of_all_labels_are_told_of_every_phantom(tmp_path):
    write_phantoms(tmp_path / "images.parquet")
    knowledge = Knowledge.load(BANK).select(LABELS)
    found = find_signs(make_job("dermoscopy"), knowledge, tmp_path / "images.parquet")
    frame = read_images(tmp_path / "images.parquet")
    used = frame[frame["split"] != "calibration"]
    statements = {item.present for item in knowledge.items()}
    assert tuple(found.columns) == COLUMNS and set(found["image_id"]) == set(used["image_id"])
    assert len(found) == len(used) * len(statements) and set(found["item"]) == statements
    table = found.pivot(index="image_id", columns="item", values="answer")
    for image, attributes in zip(used["image_id"], map(json.loads, used["attributes"]), strict=True):
        asymmetry = attributes["asymmetry"]
        expected = YES if asymmetry > 0.55 else NO if asymmetry <= 0.32 else UNKNOWN
        assert table.loc[image, "the lesion is asymmetric in shape and colour"] == expected


def test_an_item_that_no_sign_of_the_phantoms_tells_is_unknown(tmp_path):
    write_phantoms(tmp_path / "images.parquet")
    knowledge = Knowledge.load(BANK).select(LABELS)
    label = knowledge.labels["nevus"]
    other = label.checklist[0].model_copy(update={"present": "the lesion has a green colour"})
    label = label.model_copy(update={"checklist": [other, *label.checklist[1:]]})
    knowledge = knowledge.model_copy(update={"labels": knowledge.labels | {"nevus": label}})
    found = find_signs(make_job("dermoscopy"), knowledge, tmp_path / "images.parquet")
    assert set(found[found["item"] == other.present]["answer"]) == {UNKNOWN}


def test_foreign_attributes_end_in_a_sentence(tmp_path):
    write_phantoms(tmp_path / "images.parquet", attributes=json.dumps({"age": 50}))
    with pytest.raises(CraftError, match="leave `attributes` empty for real images"):
        find_signs(make_job("dermoscopy"), Knowledge.load(BANK).select(LABELS), tmp_path / "images.parquet")


def test_biomarkers_tell_real_images_the_items_of_siblings_too(greys):
    found = find_signs(make_job("grey", floor=0.85), two_labels(), greys, measure)
    frame = read_images(greys).set_index("image_id").loc[found["image_id"]]
    found = found.assign(label=frame["label"].to_numpy())
    shares = (found["answer"] == YES).groupby([found["item"], found["label"]]).mean()
    bright, dark = STATEMENTS
    # half of the bright label's images were drawn dark
    assert shares[bright].to_dict() == {BRIGHT: 0.5, DARK: 0.0}
    assert shares[dark].to_dict() == {BRIGHT: 0.5, DARK: 1.0}
    others = found[~found["item"].isin(STATEMENTS)]
    assert len(others) and set(others["answer"]) == {UNKNOWN}


def test_only_the_first_images_of_a_label_and_split_are_measured(greys):
    found = find_signs(make_job("grey", 2, floor=0.85), two_labels(), greys, measure)
    told = found[found["answer"] != UNKNOWN]["image_id"].unique()
    frame = read_images(greys)
    used = frame[frame["split"].isin(["train", "test"])]
    first = used[used.groupby(["split", "label"]).cumcount() < 2]
    assert set(told) == set(first["image_id"]) and set(found["image_id"]) == set(used["image_id"])


def test_where_nothing_is_measured_nothing_is_known(greys):
    found = find_signs(make_job("grey"), two_labels(), greys)
    assert (
        set(found["answer"]) == {UNKNOWN} and np.isin(read_images(greys, "train")["image_id"], found["image_id"]).all()
    )
