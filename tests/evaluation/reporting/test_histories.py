"""Histories of a run's trainings, and the states that their guards kept."""

import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.core.files import write_parquet, write_text
from craft.evaluation.reporting.histories import KEPT_COLUMNS, pair_trainings, read_histories, read_kept_states
from craft.evaluation.results import Results
from craft.evaluation.settings import Run, ScoringSettings
from craft.training.settings import MethodJob, SamplingSettings

GUARDED = {"monitor": [0.5, None, 0.7], "best": [False, False, True], "stopped_because": [None, None, "it fell"]}
GUARDED |= {"diversity": [4.0, None, 3.0], "semantic_diversity": [1.0, None, 0.25]}


@pytest.fixture
def history(tmp_path):
    def write(name: str, **columns) -> str:
        path = tmp_path / name
        write_parquet(path, pd.DataFrame({"step": [0, 1, 2]} | columns))
        return path

    return write


@pytest.fixture
def settings(tmp_path):
    def write(dataset: str, method: str, training: dict) -> str:
        path = tmp_path / f"{dataset}-{method}.yaml"
        job = MethodJob(
            dataset=dataset,
            method=method,
            seed=3,
            training=training,
            resolution=32,
            foundation={"path": "folder"},
            evaluators=[],
            sampling=SamplingSettings(),
            neighbours=5,
        )
        write_text(path, job.to_yaml())
        return path

    return write


def test_histories_of_a_method_stand_under_each_other_without_those_that_are_missing(tmp_path, history):
    run = Run(
        datasets={"chest": ["a"], "skin": ["a"]},
        methods=["craft"],
        rewarded=["craft"],
        seeds=[0, 1],
        scoring=ScoringSettings(),
    )
    results = Results(tmp_path, run)
    assert list(read_histories(results, "craft").columns) == ["dataset", "seed", "step"]
    history("chest/craft/seed1/history.parquet", loss=[3.0, 2.0, 1.0])
    history("skin/craft/seed0/history.parquet", reward=[0.1, 0.2, 0.3])
    found = read_histories(results, "craft")
    assert list(found.columns) == ["dataset", "seed", "step", "loss", "reward"]
    assert found[["dataset", "seed"]].drop_duplicates().values.tolist() == [["chest", 1], ["skin", 0]]


def test_only_trainings_with_a_guard_keep_a_state(history, settings):
    jobs = [
        settings("chest", "lora", {"kind": "supervised", "prompts": "plain"}),
        settings("chest", "craft", {"kind": "reward", "start": "lora"}),
    ]
    trainings = pair_trainings(jobs, [history("one.parquet", loss=[3.0, 2.0, 1.0]), history("two.parquet", **GUARDED)])
    kept = read_kept_states(trainings)
    assert kept.to_dict("records") == [dict(zip(KEPT_COLUMNS, ("craft", "chest", 3, 2, True, 0.75, 0.25), strict=True))]
    assert list(read_kept_states(trainings[:1]).columns) == list(KEPT_COLUMNS)


def test_every_training_has_one_history(history, settings):
    job = settings("chest", "lora", {"kind": "supervised", "prompts": "plain"})
    with pytest.raises(CraftError, match="`--settings` gives 1 files and `--histories` 2"):
        pair_trainings([job], [history("one.parquet"), history("two.parquet")])
