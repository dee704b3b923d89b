"""Scoring: one row per image and evaluator, real scores from the cached features, generated ones through the model."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import save_judge, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_json, write_text
from craft.core.images import decode_images, image_row, read_images, to_tensor, write_images
from craft.core.rows import read_rows
from craft.core.settings import ImageSet
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, score_columns
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.scoring.settings import ScoreJob
from craft.models.phantom_classifier import PhantomClassifier
from craft.reward.calibration import calibrate
from craft.reward.combination import combine
from craft.reward.damage import COPIES
from craft.reward.dimensions import DIMENSIONS
from craft.reward.feature_file import read_calibration
from craft.reward.features import (
    Features,
    calibration_to_json,
    compute_features,
    write_features,
)

SIZE, LABELS = 32, ["nevus", "melanoma"]
SPLITS = ["train", "reference", "held_out_reference", "calibration", "test"]
SCRIPT = Path(__file__).parents[3] / "scripts" / "score_images.py"


def make_table(path, count, seed, split=None):
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        image = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        where = split or SPLITS[index // 2 % 5]
        rows.append(image_row(image, label=LABELS[index % 2], split=where, origin="s", patient_id=str(index)))
    write_images(path, rows)
    return read_images(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, knowledge = tmp_path_factory.mktemp("scoring"), tiny_knowledge()
    refs = [tiny_ref("a", "reward", folder), tiny_ref("b", "held_out", folder)]
    judges = [tiny_judge(SIZE), tiny_judge(SIZE, "siglip_regnet", "bit", seed=1)]
    frame = make_table(folder / "images.parquet", 60, seed=0)
    entries = {}
    for ref, judge in zip(refs, judges, strict=True):
        entries |= compute_features(judge, [frame], knowledge, ref)
        save_judge(judge, ref)
    write_features(folder / "features.safetensors", frame, entries)
    PhantomClassifier.build({"dermoscopy": LABELS}).save(folder / "classifier")
    known = Features(folder / "features.safetensors", frame, knowledge)
    maps = {
        ref.name: calibrate(known.raw_scores(ref, 3), *known.split(ref, "calibration"), known.damaged(ref))
        for ref in refs
    }
    write_json(folder / "calibration.json", calibration_to_json(maps, known.labels))
    job = ScoreJob(
        dataset="skin",
        modality="dermoscopy",
        labels=LABELS,
        evaluators=refs,
        phantom_classifier=str(folder / "classifier"),
        generated=[ImageSet(method="craft", seed=1)],
        neighbours=3,
    )
    return folder, known, job, Scorer.load(job, known, folder / "calibration.json")


def test_real_images_are_the_test_split_with_their_own_labels(run):
    _, known, _, scorer = run
    scores = scorer.score_real()
    assert set(scores["evaluator"]) == {"a", "b", PHANTOM_CLASSIFIER}
    assert set(scores["role"]) == {"reward", "held_out", PHANTOM_CLASSIFIER} and tuple(scores) == score_columns()
    test = known.frame[known.frame["split"] == "test"]
    for _, part in scores.groupby("evaluator"):
        assert part["image_id"].tolist() == test["image_id"].tolist()
        assert part["label"].tolist() == test["label"].tolist()


def test_cas_combines_its_dimensions_and_lies_within_bounds(run):
    scores = run[3].score_real()
    judged = scores[scores["role"] != PHANTOM_CLASSIFIER]
    assert np.allclose(judged["cas"], combine(judged[list(DIMENSIONS)].to_numpy(float)), atol=1e-6)
    assert judged["cas"].between(0, 1).all() and judged["agrees"].isna().all()
    classified = scores[scores["role"] == PHANTOM_CLASSIFIER]
    assert classified[list(DIMENSIONS)].isna().all(axis=None) and classified["agrees"].notna().all()


def test_the_same_pixels_score_the_same_as_real_and_as_generated(run):
    folder, known, _, scorer = run
    test = known.frame[known.frame["split"] == "test"]
    rows = [
        image_row(image, label=label, split="generated", origin="g")
        for image, label in zip(decode_images(test), test["label"], strict=True)
    ]
    write_images(folder / "generated.parquet", rows)
    (generated, ids, encoded), real = scorer.score(folder / "generated.parquet", "craft", 1), scorer.score_real()
    assert ids == test["image_id"].tolist()
    widths = {"a/images": 32, "a_encoder/images": 64, "b/images": 32, "b_encoder/images": 64}
    assert {name: tuple(each.shape) for name, each in encoded.items()} == {
        name: (len(test), width) for name, width in widths.items()
    }
    # the evaluator's weights went through half precision on the way to its folder
    assert np.allclose(generated["cas"], real["cas"], atol=0.05)
    assert set(generated["seed"]) == {1} and set(generated["method"]) == {"craft"}


@pytest.fixture
def files(run, tmp_path):
    """Arguments of the script for two image sets; what it writes lies in a folder of its own."""
    folder, known, job, _ = run
    sets = [ImageSet(method="craft", seed=1), ImageSet(method="lora", seed=0)]
    write_text(tmp_path / "settings.yaml", job.model_copy(update={"generated": sets}).to_yaml())
    write_text(tmp_path / "knowledge.yaml", known.knowledge.to_yaml())
    for name, count in (("craft", 3), ("lora", 5)):
        make_table(tmp_path / f"{name}.parquet", count, seed=count, split="generated")
    return {
        "settings": tmp_path / "settings.yaml",
        "images": folder / "images.parquet",
        "features": folder / "features.safetensors",
        "knowledge": tmp_path / "knowledge.yaml",
        "calibration": folder / "calibration.json",
        "real": tmp_path / "out/real.parquet",
        "generated": [tmp_path / f"{name}.parquet" for name in ("craft", "lora")],
        "scores": [tmp_path / f"out/{name}.parquet" for name in ("craft", "lora")],
        "embeddings": [tmp_path / f"out/{name}.safetensors" for name in ("craft", "lora")],
    }


def test_the_script_writes_the_files_of_every_image_set_in_the_order_of_the_job(files):
    runpy.run_path(str(SCRIPT))["main"](**files)
    for number, (method, seed, count) in enumerate([("craft", 1, 3), ("lora", 0, 5)]):
        scores = pd.read_parquet(files["scores"][number])
        assert set(scores["method"]) == {method} and set(scores["seed"]) == {seed} and len(scores) == 3 * count
        ids = read_images(files["generated"][number])["image_id"].tolist()
        assert scores["image_id"].tolist() == ids * 3
        images = to_tensor(decode_images(read_images(files["generated"][number])))
        seen = tiny_judge(SIZE).embed(images)
        # the models' weights went through half precision on the way to their folders
        for name, expected in (("a", seen.aligned), ("a_encoder", seen.visual)):
            encoded = read_rows(files["embeddings"][number], f"{name}/images", ids[::-1], "score_images")
            assert torch.allclose(encoded.flip(0), expected, atol=0.01 * max(1, expected.abs().max().item()))
    assert set(pd.read_parquet(files["real"])["method"]) == {"real"}


@pytest.mark.parametrize("option", ["generated", "scores", "embeddings"])
def test_the_script_refuses_files_that_do_not_match_the_image_sets(files, option):
    with pytest.raises(CraftError, match=f"name 2 image sets, but `--{option}` gives 1 files"):
        runpy.run_path(str(SCRIPT))["main"](**files | {option: files[option][:1]})
    assert not files["real"].exists()


def test_features_of_another_table_are_refused(run, tmp_path):
    folder, _, _, _ = run
    other = make_table(tmp_path / "other.parquet", 10, seed=3)
    with pytest.raises(CraftError, match=r"does not hold the image .*--forcerun encode_images"):
        Features(folder / "features.safetensors", other, tiny_knowledge())


def test_an_unknown_label_and_a_missing_calibration_are_named(run, tmp_path):
    folder, known, _, _ = run
    with pytest.raises(CraftError, match="unknown label 'wart'"):
        known.label_numbers(pd.DataFrame({"label": ["wart"]}))
    with pytest.raises(CraftError, match="no calibration of evaluator 'c'"):
        read_calibration(folder / "calibration.json", ["a", "c"])
    with pytest.raises(CraftError, match="no calibration"):
        read_calibration(tmp_path / "none.json", ["a"])
    with pytest.raises(CraftError, match="of the model 'c'"):
        known.of("c", "images")


def test_damaged_copies_are_encoded_copy_after_copy(run):
    _, known, job, _ = run
    for ref in job.evaluators:
        calibration, own = known.split(ref, "calibration")
        damaged, labels = known.damaged(ref)
        assert len(damaged) == COPIES * len(calibration)
        assert torch.equal(labels, own.repeat(COPIES))
    images = to_tensor(decode_images(known.frame[known.frame["split"] == "calibration"]))
    calibration, seen = known.split(job.evaluators[0], "calibration")[0], tiny_judge(SIZE).embed(images)
    assert torch.allclose(seen.aligned, calibration.aligned, atol=1e-5)
    assert torch.allclose(seen.visual, calibration.visual, atol=1e-4)
