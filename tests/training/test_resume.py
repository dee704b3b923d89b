"""Runs that end early: killed, asked to stop, or resumed under other settings."""

import json
import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from runs import make_adapter
from safetensors import safe_open
from safetensors.torch import load_file
from trainee import said, start

from craft.training.checkpoints import FILE, checkpoint_folder

CHANGES = {"steps": 40, "checkpoint_every": 3, "ema": 0.9, "batch": 2}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return make_adapter(tmp_path_factory.mktemp("adapter"))


def finish(adapter: Path, folder: Path) -> None:
    """Train to the end."""
    process = start(adapter, folder, CHANGES)
    process.join()
    assert process.exitcode == 0, said(folder)


def step_of(folder: Path) -> int:
    """The step of the newest checkpoint; 0 without one."""
    path = folder / "checkpoints" / FILE
    if not path.is_file():
        return 0
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["history"])[-1]["step"]


def wait_for(process: BaseProcess, folder: Path, step: int) -> None:
    while step_of(folder) < step:
        assert process.is_alive(), said(folder)
        time.sleep(0.02)


@pytest.fixture(scope="module")
def uninterrupted(adapter, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    finish(adapter, folder)
    return folder


def assert_same(first: Path, second: Path) -> None:
    a, b = (load_file(folder / "rank0.safetensors") for folder in (first, second))
    assert all(torch.equal(a[name], b[name]) for name in a)
    losses = [json.loads((folder / "losses.json").read_text()) for folder in (first, second)]
    assert losses[0] == losses[1] and len(losses[0]) == 1 + CHANGES["steps"]


def test_a_run_killed_at_three_random_moments_ends_in_the_identical_adapter(adapter, uninterrupted, tmp_path):
    moments = random.Random(7)
    for least in (3, 12, 24):
        process = start(adapter, tmp_path, CHANGES)
        wait_for(process, tmp_path, least)
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert step_of(tmp_path) < CHANGES["steps"]
    finish(adapter, tmp_path)
    assert_same(tmp_path, uninterrupted)


def test_asked_to_stop_a_run_writes_its_checkpoint_and_says_so(adapter, uninterrupted, tmp_path):
    for number, least in ((signal.SIGTERM, 3), (signal.SIGUSR1, 12)):
        process = start(adapter, tmp_path, CHANGES)
        wait_for(process, tmp_path, least)
        os.kill(process.pid, number)
        process.join()
        assert process.exitcode == 128 + number
        assert f"{number.name} stopped the training after step {step_of(tmp_path)}" in said(tmp_path)
        assert "Traceback" not in said(tmp_path)
    finish(adapter, tmp_path)
    assert_same(tmp_path, uninterrupted)


def test_other_settings_code_or_data_never_meet_in_one_checkpoint_folder(tmp_path):
    data = tmp_path / "data"
    data.write_bytes(b"1")
    first = checkpoint_folder(tmp_path / "adapter", {"steps": 1}, "finetune_reward", [data])
    assert first == checkpoint_folder(tmp_path / "adapter", {"steps": 1}, "finetune_reward", [data])
    assert first != checkpoint_folder(tmp_path / "adapter", {"steps": 2}, "finetune_reward", [data])
    assert first != checkpoint_folder(tmp_path / "adapter", {"steps": 1}, "train_adapter", [data])
    data.write_bytes(b"2")
    assert first != checkpoint_folder(tmp_path / "adapter", {"steps": 1}, "finetune_reward", [data])
