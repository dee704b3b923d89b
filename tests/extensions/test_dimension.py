"""A user's own dimension of CAS: calibrated, scored, combined and tabulated like the built-in ones."""

import json

import numpy as np
import pandas as pd
import pytest
from tiny import save_judge, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_json, write_parquet
from craft.core.images import image_row, read_images, write_images
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.settings import Run, ScoringSettings
from craft.evaluation.tables import TABLES
from craft.pipeline.jobs import GALLERY_SETTINGS
from craft.reward.calibration import calibrate
from craft.reward.combination import combine
from craft.reward.dimensions import DIMENSIONS
from craft.reward.features import Features, calibration_to_json, compute_features, write_features
from craft.reward.judge import Judge

CODE = '''
"""A dimension that compares an image with the first reference image of its label."""

import torch

from craft.reward.dimensions import DIMENSIONS
from craft.reward.dimensions.base import Dimension


@DIMENSIONS.register("toy")
class Toy(Dimension):
    question = "is it like the first real image of its label?"

    def forward(self, features, labels):
        first = torch.stack([references[0] for references in self.evidence.references])
        return torch.cosine_similarity(features.visual, first[labels])
'''
LABELS, SPLITS = ["nevus", "melanoma"], ["reference", "held_out_reference", "calibration", "test"]
FOLDER = "dermoscopy"


def draw_rows(count: int, seed: int, split: str | None = None) -> list[dict]:
    """Noise whose brightness tells the label."""
    rng = np.random.default_rng(seed)
    return [
        image_row(
            rng.integers(80 * (index % 2), 176 + 80 * (index % 2), (32, 32, 3), np.uint8),
            label=LABELS[index % 2],
            split=split or SPLITS[index // 2 % len(SPLITS)],
            origin="noise",
        )
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def jobs(resolve, tmp_path_factory):
    """Jobs of a run whose held-out evaluator and encoder are tiny ones."""
    ref = tiny_ref("held", "held_out", tmp_path_factory.mktemp("models"))
    save_judge(tiny_judge(), ref)
    return resolve(
        datasets={FOLDER: {"reader": "phantom", "modality": "dermoscopy", "labels": LABELS}},
        evaluators={"lit_efficientnet": {"role": "held_out", "path": ref.path}},
        encoders={"efficientnet_lite0": {"role": "held_out", "path": ref.encoder.path}},
    )


@pytest.fixture(scope="module")
def job(jobs):
    """What scores the images, under the tiny models alone."""
    score = jobs[f"{FOLDER}/settings/score_images.yaml"]
    refs = [ref for ref in score.evaluators if ref.role == "held_out"]
    return score.model_copy(update={"evaluators": refs, "phantom_classifier": None})


@pytest.fixture(scope="module")
def known(job, results) -> Features:
    """The features of a few images, whose calibration stands beside them."""
    folder, knowledge, (ref,) = results / FOLDER, tiny_knowledge(), job.evaluators
    write_images(folder / "images.parquet", draw_rows(48, 0))
    frame = read_images(folder / "images.parquet")
    entries = compute_features(Judge.load(ref), [frame], knowledge, ref)
    write_features(folder / "features.safetensors", frame, entries)
    known = Features(folder / "features.safetensors", frame, knowledge)
    pairs, raw = known.split(ref, "calibration"), known.raw_scores(ref, job.neighbours)
    maps = calibrate(raw, *pairs, known.damaged(ref))
    write_json(
        folder / "calibration.json", calibration_to_json({ref.name: maps}, known.labels, {ref.name: known.digest(ref)})
    )
    return known


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of one dataset and one method."""
    scoring = ScoringSettings(bootstrap=20)
    return Run(datasets={FOLDER: LABELS}, methods=["lora"], rewarded=[], seeds=[0], scoring=scoring)


@pytest.fixture(scope="module")
def scores(job, known, results, run) -> pd.DataFrame:
    """Scores of the real test images and of generated ones of one method, written where the tables look for them."""
    scorer = Scorer.load(job, known, results / FOLDER / "calibration.json")
    write_images(results / FOLDER / "lora/seed0/images.parquet", draw_rows(8, 1, "generated"))
    generated, _, _ = scorer.score(results / FOLDER / "lora/seed0/images.parquet", "lora", 0)
    decoded = generated.assign(method="decoded")
    for method, frame in {"real": scorer.score_real(), "decoded": decoded, "lora": generated}.items():
        write_parquet(results / FOLDER / method / "seed0/scores.parquet", frame)
    return Results(results, run).read(SCORES)


def test_every_job_that_scores_or_reads_scores_depends_on_the_file_and_none_before_them(jobs, dependents):
    scoring = {f"{FOLDER}/settings/{rule}.yaml" for rule in ("calibrate_cas", "score_images", "check_validity")}
    trained = {f"{FOLDER}/{name}/seed0/settings/finetune_reward.yaml" for name in ("rwr", "alignprop", "craft")}
    chosen = f"{FOLDER}/best_of_n/seed0/settings/generate_images.yaml"
    assert dependents(jobs) == {*scoring, *trained, chosen, SETTINGS, GALLERY_SETTINGS}


def test_it_is_calibrated_on_real_images(known, results):
    (maps,) = json.loads((results / FOLDER / "calibration.json").read_text()).values()
    assert set(DIMENSIONS) <= set(maps) and maps["toy"]["auroc"] > 0.5 and maps["toy"]["slope"] > 0


def test_a_calibration_from_before_is_refused_with_a_sentence(job, known, results, tmp_path):
    calibration = json.loads((results / FOLDER / "calibration.json").read_text())
    for maps in calibration.values():
        del maps["toy"]
    write_json(tmp_path / "calibration.json", calibration)
    with pytest.raises(CraftError, match="the calibration lacks the dimension 'toy'; run calibrate_cas again"):
        Scorer.load(job, known, tmp_path / "calibration.json")


def test_it_is_a_column_of_the_scores_and_a_part_of_cas(scores):
    assert list(DIMENSIONS)[-1] == "toy" and len(DIMENSIONS) == 5
    assert scores["toy"].between(0, 1).all() and scores["toy"].nunique() > 4
    assert np.allclose(scores["cas"], combine(scores[list(DIMENSIONS)].to_numpy(float)), atol=1e-6)


def test_the_cas_table_holds_its_means(scores, results, run):
    table = TABLES["cas"].make(Results(results, run).limited_to(TABLES["cas"].reads))
    found = table[(table["metric"] == "toy") & (table["label"] == "all")].set_index("method")["value"]
    expected = scores.groupby("method")["toy"].mean()
    assert set(found.index) == {"real", "decoded", "lora"} and all(
        found[name] == pytest.approx(expected[name]) for name in found.index
    )
