"""What a training leaves behind: every column is described, states are told apart, and broken files get a sentence."""

import pandas as pd
import pytest
from runs import make_adapter, reward_run, supervised

from craft.core.errors import CraftError
from craft.reward.dimensions import DIMENSIONS
from craft.training.results import (
    CHECK_COLUMNS,
    GUARD_COLUMNS,
    LOOP_COLUMNS,
    REWARD_COLUMNS,
    kept_states,
    read_checks,
    read_history,
)


def test_every_column_of_a_history_is_described(tmp_path):
    _, plain = supervised(tmp_path / "supervised")
    assert set(pd.DataFrame(plain).columns) == set(LOOP_COLUMNS) - {"skipped"}
    _, history = reward_run(make_adapter(tmp_path), tmp_path / "reward")
    described = {*LOOP_COLUMNS, *REWARD_COLUMNS, *DIMENSIONS, *GUARD_COLUMNS}
    assert set(pd.DataFrame(history).columns) == described - {"skipped", "stopped_because"}


def test_a_history_is_read_as_it_was_written_and_must_be_one(tmp_path):
    frame = pd.DataFrame({"step": [1, 2], "loss": [0.5, 0.25]})
    frame.to_parquet(tmp_path / "history.parquet")
    assert read_history(tmp_path / "history.parquet").equals(frame)
    frame.drop(columns="step").to_parquet(tmp_path / "other.parquet")
    with pytest.raises(CraftError, match="the column 'step' is missing"):
        read_history(tmp_path / "other.parquet")
    with pytest.raises(CraftError, match=r"no training history .*run `snakemake"):
        read_history(tmp_path / "missing.parquet")


def test_what_a_training_kept_is_the_marked_check_as_a_share_of_the_start():
    history = pd.DataFrame({"dataset": "a", "seed": 0, "step": [0, 1, 2, 3], "best": [False, False, True, None]})
    history["monitor"] = [0.5, None, 0.7, 0.6]
    history["diversity"], history["semantic_diversity"] = [4.0, None, 3.0, 1.0], [1.0, None, 0.25, 0.1]
    history["stopped_because"] = [None, None, None, "it hacked"]
    other = history.drop(columns="stopped_because").assign(seed=1, best=[True, False, False, None])
    kept = kept_states(pd.concat([history, other])).to_dict("records")
    assert kept == [
        {"dataset": "a", "seed": 0, "step": 2, "stopped": True, "diversity": 0.75, "semantic_diversity": 0.25},
        {"dataset": "a", "seed": 1, "step": 0, "stopped": False, "diversity": 1.0, "semantic_diversity": 1.0},
    ]


def test_checks_of_different_noise_are_refused(tmp_path):
    cells = [{"bytes": b"", "path": None}] * 3
    frame = pd.DataFrame({"step": [0, 0, 2], "number": [0, 1, 0], "label": "a", "image": cells})
    assert tuple(frame.columns) == CHECK_COLUMNS
    frame.to_parquet(tmp_path / "checks.parquet")
    with pytest.raises(CraftError, match="expected the same noise at every check"):
        read_checks(tmp_path / "checks.parquet")
    with pytest.raises(CraftError, match="no images of the guard's checks"):
        read_checks(tmp_path / "missing.parquet")
    frame.drop(columns="label").to_parquet(tmp_path / "other.parquet")
    with pytest.raises(CraftError, match="the column 'label' is missing"):
        read_checks(tmp_path / "other.parquet")
