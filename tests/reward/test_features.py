"""The feature file: images are found by their ids, and damaged copies carry the labels of their images."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tiny import tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_tensors
from craft.core.images import decode_images, image_row, to_tensor
from craft.core.seeds import torch_generator
from craft.reward.damage import COPIES, damage_all
from craft.reward.evidence import ImageFeatures
from craft.reward.features import Features, compute_features, foreign_features, rows_of, write_features

REF = tiny_ref("e", "reward", Path("nowhere"))
SIZE, SPLITS = 32, ("train", "reference", "held_out_reference", "calibration", "test")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    pixels = np.random.default_rng(0).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8)
    labels = ("nevus", "melanoma", "melanoma", "nevus")
    return pd.DataFrame(
        [image_row(image, label=labels[i % 4], split=SPLITS[i % 5], origin="") for i, image in enumerate(pixels)]
    )


@pytest.fixture(scope="module")
def entries(frame) -> dict:
    return compute_features(tiny_judge(SIZE), [frame], tiny_knowledge(), REF)


@pytest.fixture
def path(tmp_path, frame, entries):
    write_features(tmp_path / "features.safetensors", frame, entries)
    return tmp_path / "features.safetensors"


def test_a_table_in_another_order_gets_the_same_image_its_own_features(path, frame, entries):
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    images, numbers = Features(path, shuffled, tiny_knowledge()).split(REF, "calibration")
    rows = [frame.index[frame["image_id"] == name][0] for name in shuffled.query("split == 'calibration'")["image_id"]]
    assert rows != sorted(rows)
    assert torch.equal(images.aligned, entries["e/images"][rows])
    assert torch.equal(images.visual, entries["e_encoder/images"][rows])
    assert numbers.tolist() == [("nevus", "melanoma").index(label) for label in frame["label"][rows]]


def test_damaged_copies_carry_the_label_of_their_image_whatever_the_order_of_the_table(path, frame, entries):
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    labels = frame.query("split == 'calibration'")["label"]
    for table in (frame, shuffled):
        damaged, numbers = Features(path, table, tiny_knowledge()).damaged(REF)
        assert torch.equal(damaged.aligned, entries["e/damaged"])
        assert torch.equal(damaged.visual, entries["e_encoder/damaged"])
        assert numbers.tolist() == [("nevus", "melanoma").index(label) for label in labels] * COPIES


def test_an_image_that_was_not_encoded_is_named(path, frame):
    stranger = frame.assign(image_id=["stranger", *frame["image_id"][1:]])
    with pytest.raises(CraftError, match=r"does not hold the image 'stranger' \(1 of 20 are missing\).*encode_images"):
        Features(path, stranger, tiny_knowledge())


def test_a_feature_file_without_ids_is_made_again(tmp_path, frame, entries):
    write_tensors(tmp_path / "old.safetensors", entries)
    with pytest.raises(CraftError, match="no 'image_ids'; run `snakemake --forcerun encode_images`"):
        Features(tmp_path / "old.safetensors", frame, tiny_knowledge())


@pytest.mark.parametrize("split", ["calibration", "test"])
def test_images_of_other_modalities_are_of_one_split_thinned_evenly(split, path, frame, entries):
    rows = list(frame.index[frame["split"] == split])[::2]
    images = ImageFeatures(entries["e/images"][rows], entries["e_encoder/images"][rows])
    found = foreign_features([path, path], REF, split, most=2)
    assert torch.equal(found.aligned, torch.cat([images.aligned] * 2))
    assert torch.equal(found.visual, torch.cat([images.visual] * 2))
    assert foreign_features([], REF, split) is None


@pytest.mark.parametrize(
    ("role", "split"),
    [("reward", "reference"), ("monitor", "reference"), ("held_out", "held_out_reference")],
)
def test_held_out_judges_have_reference_images_of_their_own(role, split, path, frame, entries):
    ref = tiny_ref("e", role, Path("nowhere"))
    references = Features(path, frame, tiny_knowledge()).raw_scores(ref, 1).evidence.references
    for label, found in zip(("nevus", "melanoma"), references, strict=True):
        own = frame.index[(frame["split"] == split) & (frame["label"] == label)]
        assert torch.equal(found, entries["e_encoder/images"][list(own)])


def test_a_label_without_reference_images_is_named_with_its_split(path, frame):
    moved = frame.assign(split=frame["split"].replace("held_out_reference", "train"))
    known = Features(path, moved, tiny_knowledge())
    known.raw_scores(REF, 1)
    with pytest.raises(CraftError, match=r"'nevus' has no image in the split 'held_out_reference', .*'e' \(held_out"):
        known.raw_scores(tiny_ref("e", "held_out", Path("nowhere")), 1)


def test_held_out_judges_read_descriptions_of_their_own(frame):
    knowledge, judge = tiny_knowledge(), tiny_judge(SIZE)
    own = {
        "nevus": ["a spot of another kind", "a mole on the skin"],
        "melanoma": ["a black patch of skin", "a dark mole"],
    }
    known = {
        key: label.model_copy(update={"held_out_descriptions": own[key]}) for key, label in knowledge.labels.items()
    }
    knowledge = knowledge.model_copy(update={"labels": known})
    for role in ("reward", "monitor", "held_out"):
        found = compute_features(judge, [frame], knowledge, tiny_ref("e", role, Path("nowhere")))
        for key, label in known.items():
            texts = own[key] if role == "held_out" else label.descriptions
            assert torch.equal(found[f"e/descriptions/{key}"], judge.evaluator.encode_texts(texts))


def test_no_image_but_those_of_the_named_split_is_a_negative(path, frame, entries):
    """Another's calibration is fitted on calibration images alone; what is reported rests on test images alone."""
    for split in ("calibration", "test"):
        rows = list(frame.index[frame["split"] == split])
        assert torch.equal(foreign_features([path], REF, split).aligned, entries["e/images"][rows])


def test_a_feature_file_without_splits_gives_no_negatives(tmp_path, path):
    tensors = load_file(path)
    del tensors["image_splits"]
    write_tensors(tmp_path / "old.safetensors", tensors)
    with pytest.raises(CraftError, match="no 'image_splits'; run `snakemake --forcerun encode_images`"):
        foreign_features([tmp_path / "old.safetensors"], REF, "calibration")


def test_the_digest_follows_the_features_of_both_models_and_of_no_other(tmp_path, path, frame, entries):
    known = Features(path, frame, tiny_knowledge()).digest(REF)
    for name, same in (("e/images", False), ("e_encoder/damaged", False), ("other/images", True)):
        changed = entries | {name: entries.get(name, entries["e/images"]) + 1}
        write_features(tmp_path / "other.safetensors", frame, changed)
        assert (Features(tmp_path / "other.safetensors", frame, tiny_knowledge()).digest(REF) == known) == same


def test_features_do_not_depend_on_the_parts_in_which_the_images_come(frame, entries):
    parts = [frame.iloc[:7], frame.iloc[7:8], frame.iloc[8:]]
    found = compute_features(tiny_judge(SIZE), parts, tiny_knowledge(), REF, batch=3)
    assert set(found) == set(entries)
    assert all(torch.allclose(found[key], entries[key], atol=1e-5) for key in entries)


def test_copies_stand_after_each_other_when_the_calibration_images_are_more_than_a_part(frame, monkeypatch):
    monkeypatch.setattr("craft.reward.features.GROUP", 3)
    judge, count = tiny_judge(SIZE), int((frame["split"] == "calibration").sum())
    seen = compute_features(judge, [frame], tiny_knowledge(), REF)["e/damaged"]
    generator, images = torch_generator("damage", "dermoscopy"), to_tensor(decode_images(frame))
    images = images[rows_of(frame, "calibration")]
    parts = [damage_all(images[start : start + 3], generator, start) for start in range(0, count, 3)]
    copies = [judge.embed(part).aligned.chunk(COPIES) for part in parts]
    expected = torch.cat([part[copy] for copy in range(COPIES) for part in copies])
    assert count > 3 and torch.allclose(seen, expected, atol=1e-5)
