"""The loop: schedule, averaging, and what ends it early with a sentence."""

import math

import pytest
import torch

from craft.core.errors import CraftError
from craft.training.loop import Observer, fit, learning_rate
from craft.training.settings import LoopSettings


def descend(folder, loss_at=None, observer=None, **changes):
    """Minimise a parabola; returns the parameter and the history."""
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    settings = {"steps": 6, "batch": 1, "learning_rate": 0.1, "warmup_steps": 0, "checkpoint_every": 2}
    training = LoopSettings(**settings | changes)

    def parabola(part):
        loss = loss_at(part, parameter) if loss_at else parameter.square().sum()
        return loss, {"height": loss.item(), "calm": 0.0}

    return parameter, fit([parameter], training, parabola, folder, observer)


def test_learning_rate_warms_up_and_falls_to_a_tenth():
    training = LoopSettings(steps=100, learning_rate=1.0, warmup_steps=10)
    assert learning_rate(training, 1) == pytest.approx(0.1)
    assert learning_rate(training, 10) == pytest.approx(1.0)
    assert learning_rate(training, 100) == pytest.approx(0.1)


def test_the_average_of_the_weights_lags_behind_them_and_is_what_is_kept_and_checked(tmp_path):
    seen = []

    class Watch(Observer):
        def check(self, history):
            seen.append(parameter_of_watch.item())

    watch = Watch()
    last, _ = descend(tmp_path / "last")
    parameter_of_watch = torch.nn.Parameter(torch.tensor([3.0]))

    def loss_at(part):
        return parameter_of_watch.square().sum(), {}

    training = LoopSettings(steps=6, batch=1, learning_rate=0.1, warmup_steps=0, ema=0.9)
    fit([parameter_of_watch], training, loss_at, tmp_path / "mean", watch)
    assert last.item() < parameter_of_watch.item() < 3.0
    assert seen[-1] == parameter_of_watch.item()


def test_a_step_with_a_bad_term_is_skipped_counted_and_changes_nothing(tmp_path):
    def loss_at(part, parameter):
        return parameter.square().sum() * (math.nan if part.step == 3 else 1.0)

    parameter, history = descend(tmp_path, loss_at)
    assert [row["step"] for row in history if row.get("skipped")] == [3]
    assert history[3]["skipped"] == "height", "not the term that spoilt the loss"
    assert torch.isfinite(parameter).all() and parameter.item() < 3.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_term_that_stays_bad_ends_the_run_with_its_name_and_the_last_good_checkpoint(tmp_path, bad):
    def loss_at(part, parameter):
        return parameter.square().sum() * (bad if part.step > 2 else 1.0)

    with pytest.raises(CraftError, match=r"'height' was NaN or infinite in 3 steps in a row.*state of step 2"):
        descend(tmp_path / "sick", loss_at, max_skipped=3, steps=60)
    from safetensors.torch import load_file

    kept = load_file(tmp_path / "sick" / "checkpoint.safetensors")["parameter/0"]
    assert torch.isfinite(kept).all() and kept.item() < 3.0


def test_a_lack_of_memory_names_the_settings_to_lower(tmp_path):
    def loss_at(part, parameter):
        return torch.ones(10**16) * parameter

    with pytest.raises(CraftError, match=r"lower `training.batch` \(now 1\) and raise `training.accumulation`"):
        descend(tmp_path, loss_at)


def test_event_files_hold_the_losses(tmp_path):
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    training = LoopSettings(steps=2, batch=1, warmup_steps=0)
    fit([parameter], training, lambda part: (parameter.square().sum(), {}), tmp_path / "run", events=tmp_path / "run")
    (events,) = (tmp_path / "run").glob("events.out.tfevents.*")
    assert b"loss" in events.read_bytes()
