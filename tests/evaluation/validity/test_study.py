"""The whole study on tiny random models: what it holds, what it needs, and what it says of broken input."""

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import tiny_evaluator, tiny_knowledge

from craft.core.config.evaluation import Scoring, Validity
from craft.core.errors import CraftError
from craft.core.files import write_json, write_parquet, write_tensors
from craft.core.images import image_row, read_images, write_images
from craft.core.settings import EvaluatorRef, ValiditySettings
from craft.evaluation.results import VALIDITY_COLUMNS
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.validity.study import ValidityStudy, pick_balanced
from craft.models.truth import TruthClassifier
from craft.reward.calibration import calibrate
from craft.reward.features import Features, calibration_to_json, compute_features
from craft.training.checks import collect_checks, keep_check

SIZE, LABELS = 32, ["nevus", "melanoma"]
SPLITS = ["train", "reference", "calibration", "test"]


def make_images(count: int, seed: int, split: str | None = None) -> list[dict]:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    return [
        image_row(image, label=LABELS[n % 2], split=split or SPLITS[n // 2 % 4], source="s", patient_id=str(n))
        for n, image in enumerate(pixels)
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A results folder with a reward method that was finetuned on one seed, and its settings."""
    folder, book = tmp_path_factory.mktemp("validity"), tiny_knowledge()
    skin, entries, maps = folder / "skin", {}, {}
    evaluators = {"a": tiny_evaluator(SIZE), "b": tiny_evaluator(SIZE, "siglip_regnet", seed=1)}
    write_images(skin / "images.parquet", make_images(48, seed=0))
    frame = read_images(skin / "images.parquet")
    for name, evaluator in evaluators.items():
        entries |= compute_features(evaluator, frame, book, name)
        evaluator.save(folder / name)
    write_tensors(skin / "features.safetensors", entries)
    TruthClassifier.build({"dermoscopy": LABELS}).save(folder / "truth")
    known = Features(skin / "features.safetensors", frame, book)
    for name in evaluators:
        damaged = known.of(name, "damaged")
        maps[name] = calibrate(
            known.raw_scores(name, 3), *known.split(name, "calibration"), damaged, torch.empty(0, 32)
        )
    write_json(skin / "calibration.json", calibration_to_json(maps))
    settings = ValiditySettings(
        dataset="skin",
        modality="dermoscopy",
        labels=LABELS,
        evaluators=[
            EvaluatorRef(name=n, role=r, path=str(folder / n)) for n, r in (("a", "reward"), ("b", "held_out"))
        ],
        truth=str(folder / "truth"),
        runs=[("real", 0), ("lora", 0), ("craft", 0)],
        neighbours=3,
        rewarded=["craft"],
        seeds=[0],
        scoring=Scoring(bootstrap=20),
        validity=Validity(damaged_images=4),
    )
    scorer = Scorer.load(settings, known, skin / "calibration.json")
    write_parquet(skin / "real/seed0/scores.parquet", scorer.score_real())
    for seed, method in enumerate(["lora", "craft"]):
        write_images(skin / method / "seed0/images.parquet", make_images(10, seed=5 + seed, split="generated"))
        scores, _ = scorer.score(skin / method / "seed0/images.parquet", method, 0)
        write_parquet(skin / method / "seed0/scores.parquet", scores)
    for step in (0, 2):
        images = torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(step))
        keep_check(folder / "kept", LABELS * 2, step, images)
    write_parquet(skin / "craft/seed0/checks.parquet", collect_checks(folder / "kept", [0, 2]))
    return folder, settings, scorer


def test_every_study_is_in_the_table_with_an_interval_and_its_source(run):
    folder, settings, scorer = run
    table = ValidityStudy(settings, scorer, folder).table()
    assert tuple(table.columns) == VALIDITY_COLUMNS
    assert set(table["study"]) == {"label_swap", "drop_one", "same_images", "damage", "truth", "gap"}
    numbers = table[table["metric"] != "opens_at"]
    assert numbers[["value", "low", "high"]].notna().all(axis=None) and (numbers["low"] <= numbers["high"]).all()
    assert (table["n"] > 0).all() and table["source"].str.startswith("skin/").all()
    keys = ["study", "method", "evaluator", "dimension", "condition", "level", "metric"]
    assert not table.duplicated(keys).any()
    pd.testing.assert_frame_equal(table, ValidityStudy(settings, scorer, folder).table())


def test_without_truth_the_gap_is_that_to_the_held_out_evaluator(run):
    folder, settings, scorer = run
    blind = Scorer(settings, scorer.known, scorer.evaluators, scorer.alignments, None)
    frames = [pd.read_parquet(path) for path in sorted((folder / "skin").glob("*/seed0/scores.parquet"))]
    study = ValidityStudy(settings, blind, folder)
    study.read_scores = lambda: pd.concat(frames).query("role != 'truth'")
    table = study.table()
    assert set(table["study"]) == {"label_swap", "drop_one", "same_images", "damage", "gap"}
    assert "truth" not in set(table["role"]) and set(table.loc[table["study"] == "gap", "condition"]) == {"b"}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("lora/seed0/scores.parquet", None, "no score table"),
        ("craft/seed0/checks.parquet", None, "no images of the guard's checks"),
        ("lora/seed0/scores.parquet", "nan", "the cas of image .* is nan, expected a number"),
    ],
)
def test_broken_input_is_one_sentence(run, tmp_path, name, change, said):
    folder, settings, scorer = run
    path = folder / "skin" / name
    frame = pd.read_parquet(path)
    path.rename(tmp_path / "kept")
    try:
        if change:
            write_parquet(path, frame.assign(cas=np.where(np.arange(len(frame)) == 3, np.nan, frame["cas"])))
        with pytest.raises(CraftError, match=said):
            ValidityStudy(settings, scorer, folder).table()
    finally:
        (tmp_path / "kept").rename(path)


def test_a_missing_calibration_is_one_sentence(run):
    _, settings, scorer = run
    with pytest.raises(CraftError, match=r"no calibration .*none\.json: run"):
        Scorer.load(settings, scorer.known, scorer.known.path.with_name("none.json"))


def test_images_are_picked_evenly_and_the_same_every_time():
    labels = np.array([0] * 50 + [1] * 3 + [2] * 20)
    rows = pick_balanced(labels, 12, "skin")
    assert np.bincount(labels[rows]).tolist() in ([5, 3, 4], [4, 3, 5]) and (np.diff(rows) > 0).all()
    assert (rows == pick_balanced(labels, 12, "skin")).all() and len(pick_balanced(labels, 100, "skin")) == 73
