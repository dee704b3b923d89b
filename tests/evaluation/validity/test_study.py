"""The whole study on tiny random models: what it holds, what it needs, and what it says of broken input."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from in_process import run_script
from tiny import save_judge, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_json, write_parquet
from craft.core.images import image_row, read_images, write_images
from craft.core.settings import ImageSet
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.validity.no_images import OTHER_MODALITIES
from craft.evaluation.validity.results import COLUMNS, STUDIES
from craft.evaluation.validity.rows import tabulate_studies
from craft.evaluation.validity.settings import ValidityJob, ValiditySettings
from craft.evaluation.validity.study import ValidityStudy, pick_balanced
from craft.models.phantom_classifier import PhantomClassifier
from craft.reward.calibration import calibrate
from craft.reward.features import Features, calibration_to_json, compute_features, write_features
from craft.training.checks import collect_checks, keep_check

SIZE, LABELS = 32, ["nevus", "melanoma"]
SPLITS = ["train", "reference", "held_out_reference", "calibration", "test"]


def make_images(count: int, seed: int, split: str | None = None) -> list[dict]:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    return [
        image_row(image, label=LABELS[n % 2], split=split or SPLITS[n // 2 % 5], origin="s", patient_id=str(n))
        for n, image in enumerate(pixels)
    ]


GENERATED = [ImageSet(method="lora", seed=0), ImageSet(method="craft", seed=0)]


@dataclass(frozen=True)
class Made:
    """A dataset's folder with a reward method that was finetuned with one seed, its job and its scorer."""

    folder: Path
    job: ValidityJob
    scorer: Scorer

    def study(self, scorer: Scorer | None = None, scores: list[str] = ("lora", "craft")) -> ValidityStudy:
        real, generated = self.scores("real"), [self.scores(method) for method in scores]
        return ValidityStudy.load(self.job, scorer or self.scorer, real, generated, [self.checks])

    def scores(self, method: str) -> Path:
        return self.folder / method / "seed0/scores.parquet"

    @property
    def checks(self) -> Path:
        return self.folder / "craft/seed0/checks.parquet"


def make_job(folder: Path) -> ValidityJob:
    return ValidityJob(
        dataset="skin",
        modality="dermoscopy",
        labels=LABELS,
        evaluators=[tiny_ref("a", "reward", folder), tiny_ref("b", "held_out", folder)],
        phantom_classifier=str(folder / "phantom_classifier"),
        generated=GENERATED,
        neighbours=3,
        rewarded=GENERATED[1:],
        scoring=ScoringSettings(bootstrap=20),
        validity=ValiditySettings(damaged_images=4),
    )


def make_scorer(job: ValidityJob, folder: Path) -> Scorer:
    """Features and calibration of two tiny random judges on a dataset of noise."""
    knowledge, entries, maps = tiny_knowledge(), {}, {}
    judges = [tiny_judge(SIZE), tiny_judge(SIZE, "siglip_regnet", "bit", seed=1)]
    write_images(folder / "images.parquet", make_images(60, seed=0))
    frame = read_images(folder / "images.parquet")
    for ref, judge in zip(job.evaluators, judges, strict=True):
        entries |= compute_features(judge, [frame], knowledge, ref)
        save_judge(judge, ref)
    write_features(folder / "features.safetensors", frame, entries)
    PhantomClassifier.build({"dermoscopy": LABELS}).save(folder / "phantom_classifier")
    known = Features(folder / "features.safetensors", frame, knowledge)
    for ref in job.evaluators:
        maps[ref.name] = calibrate(known.raw_scores(ref, 3), *known.split(ref, "calibration"), known.damaged(ref))
    write_json(folder / "calibration.json", calibration_to_json(maps, known.labels))
    return Scorer.load(job, known, folder / "calibration.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validity") / "skin"
    job = make_job(folder)
    made = Made(folder, job, make_scorer(job, folder))
    write_parquet(made.scores("real"), made.scorer.score_real())
    for seed, method in enumerate(["lora", "craft"]):
        path = folder / method / "seed0/images.parquet"
        write_images(path, make_images(10, seed=5 + seed, split="generated"))
        scores, _, _ = made.scorer.score(path, method, 0)
        write_parquet(made.scores(method), scores)
    for step in (0, 2):
        images = torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(step))
        keep_check(folder / "kept", LABELS * 2, step, images)
    write_parquet(made.checks, collect_checks(folder / "kept", [0, 2]))
    return made


def test_every_study_is_in_the_table_with_an_interval_and_its_source(made):
    table = made.study().table()
    assert tuple(table.columns) == COLUMNS
    # random judges may say the same of every pair, which correlates with nothing
    assert set(table["study"]) | {"dimensions"} == set(STUDIES)
    numbers = table[~table["metric"].isin(["opens_from", "opens_at"])]
    assert numbers[["value", "low", "high"]].notna().all(axis=None) and (numbers["low"] <= numbers["high"]).all()
    assert (table["n"] > 0).all() and table["source"].str.startswith("skin/").all()
    keys = ["study", "method", "evaluator", "dimension", "condition", "level", "metric"]
    assert not table.duplicated(keys).any()
    pd.testing.assert_frame_equal(table, made.study().table())


def test_images_of_other_modalities_are_their_test_images(made):
    real, generated = made.scores("real"), [made.scores(method) for method in ("lora", "craft")]
    others = [made.folder / "features.safetensors"]
    study = ValidityStudy.load(made.job, made.scorer, real, generated, [made.checks], others)
    rows = [row for row in study.refuse_no_images() if row["condition"] == OTHER_MODALITIES]
    frame = made.scorer.known.frame
    assert {row["n"] for row in rows} == {int((frame["split"] == "test").sum())}


def test_the_classifier_of_phantoms_is_one_of_the_judges(made):
    table = made.study().table()
    judged = table[table["evaluator"] == PHANTOM_CLASSIFIER]
    assert set(judged["role"]) == {PHANTOM_CLASSIFIER} and set(judged["dimension"]) == {"probability"}
    assert set(judged["study"]) == {"same_images", "damage"}
    assert set(table.loc[table["study"] == "gap", "condition"]) == {"b", PHANTOM_CLASSIFIER}


def test_without_a_classifier_the_gap_is_that_to_the_held_out_evaluator(made):
    blind = Scorer(made.job, made.scorer.known, made.scorer.judges, made.scorer.alignments, None)
    study = made.study(blind)
    study.scores = study.scores[study.scores["role"] != PHANTOM_CLASSIFIER]
    table = study.table()
    assert set(table["study"]) | {"dimensions"} == set(STUDIES) - {"classifier"}
    assert PHANTOM_CLASSIFIER not in set(table["role"])
    assert set(table.loc[table["study"] == "gap", "condition"]) == {"b"}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("lora/seed0/scores.parquet", None, r"no table .*lora/seed0/scores\.parquet: run"),
        ("craft/seed0/checks.parquet", None, "no images of the guard's checks"),
        ("lora/seed0/scores.parquet", "nan", "the cas of image .* is nan, expected a number"),
    ],
)
def test_broken_input_is_one_sentence(made, tmp_path, name, change, said):
    path = made.folder / name
    frame = pd.read_parquet(path)
    path.rename(tmp_path / "kept")
    try:
        if change:
            write_parquet(path, frame.assign(cas=np.where(np.arange(len(frame)) == 3, np.nan, frame["cas"])))
        with pytest.raises(CraftError, match=said):
            made.study()
    finally:
        (tmp_path / "kept").rename(path)


def test_every_image_set_needs_its_scores(made):
    with pytest.raises(CraftError, match="2 image sets, but `--scores` gives 1 files"):
        made.study(scores=["lora"])


def test_the_script_takes_one_file_for_every_image_set(made, tmp_path):
    made.job.save(tmp_path / "settings.yaml")
    (tmp_path / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    command = ["check_validity", tmp_path / "settings.yaml"]
    command += ["--images", made.folder / "images.parquet", "--features", made.folder / "features.safetensors"]
    command += ["--knowledge", tmp_path / "knowledge.yaml", "--calibration", made.folder / "calibration.json"]
    command += ["--real-scores", made.scores("real"), "--scores", made.scores("lora"), "--output", tmp_path / "out"]
    short = run_script(*command)
    assert short.returncode == 2 and "`--scores` gives 1 files" in short.stderr and "Traceback" not in short.stderr
    command += ["--scores", made.scores("craft"), "--checks", made.checks]
    ended = run_script(*command)
    assert ended.returncode == 0, ended.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out"), made.study().table())


def test_a_missing_calibration_is_one_sentence(made):
    with pytest.raises(CraftError, match=r"no calibration .*none\.json: run"):
        Scorer.load(made.job, made.scorer.known, made.folder / "none.json")


def test_of_more_test_images_than_are_wanted_the_picked_ones_are_judged(made):
    """A test image that is picked has its own features, and numbers of picked images say nothing of prevalence."""
    whole, study = made.study(), made.study()
    study.job = made.job.model_copy(update={"validity": ValiditySettings(test_images=6, damaged_images=4)})
    rows, labels = study.pick_test_images(6)
    assert len(rows) == 6 < len(study.test) and np.bincount(labels).tolist() == [3, 3]
    few, table = tabulate_studies(study.swap_labels(), "skin"), tabulate_studies(whole.swap_labels(), "skin")
    assert (few["n"] == 6).all() and few["natural"].isna().all()
    scores = whole.scores[(whole.scores["method"] == "real") & (whole.scores["evaluator"] == "a")]
    own = {"evaluator": "a", "dimension": "cas", "condition": "own_labels", "metric": "mean"}
    for found, expected in ((few, scores["cas"].to_numpy()[rows].mean()), (table, scores["cas"].mean())):
        (value,) = found.loc[(found[list(own)] == pd.Series(own)).all(axis=1), "value"]
        assert value == pytest.approx(expected, abs=1e-5)


def test_images_are_picked_evenly_and_the_same_every_time():
    labels = np.array([0] * 50 + [1] * 3 + [2] * 20)
    rows = pick_balanced(labels, 12, "skin")
    assert np.bincount(labels[rows]).tolist() in ([5, 3, 4], [4, 3, 5]) and (np.diff(rows) > 0).all()
    assert (rows == pick_balanced(labels, 12, "skin")).all() and len(pick_balanced(labels, 100, "skin")) == 73
