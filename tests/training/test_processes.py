"""Several processes: equal weights on all of them, and the same as one process with the whole batch."""

import socket

import pytest
import torch
from runs import make_adapter, reward_method, reward_run, weights
from safetensors.torch import load_file
from trainee import said, start


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return make_adapter(tmp_path_factory.mktemp("adapter"))


SAME = 5e-5  # rounding, of batches of other sizes
# what remembers samples, rewards and features of all processes from step to step
REMEMBERING = {
    "backprop": {"mode": "direct", "uses": 2, "guidance_scale": 2.0},
    "objective": {"match": "ranks", "diversity": 1.0, "window": 2},
}


@pytest.fixture(scope="module", params=[{}, REMEMBERING, {"optimizer": "muon"}], ids=["default", "remembering", "muon"])
def changes(request):
    return request.param


@pytest.fixture(scope="module")
def together(adapter, changes, tmp_path_factory):
    """The adapters of two processes of two images each."""
    folder = tmp_path_factory.mktemp("together")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # what torchrun tells its processes
    crew = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        start(adapter, folder, changes | {"batch": 2}, RANK=str(rank), LOCAL_RANK=str(rank), **crew)
        for rank in range(2)
    ]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0], said(folder)[-3000:]
    ranks = [load_file(folder / f"rank{rank}.safetensors") for rank in range(2)]
    return [[rank[str(index)] for index in range(len(rank))] for rank in ranks]


def distance(first, second) -> float:
    """Relative distance of two lists of weights."""
    a, b = (torch.cat([weight.flatten() for weight in each]) for each in (first, second))
    return ((a - b).norm() / b.norm()).item()


def test_two_processes_end_with_equal_adapters(together):
    assert all(torch.equal(a, b) for a, b in zip(*together, strict=True))


def test_two_processes_do_what_one_does_with_twice_the_batch(adapter, changes, together, tmp_path):
    alone, _ = reward_run(adapter, tmp_path / "alone", reward_method(**changes, batch=4))
    start, _ = reward_run(adapter, tmp_path / "start", reward_method(**changes, batch=4, steps=1, learning_rate=1e-9))
    assert distance(weights(start), weights(alone)) > 1e-3, "the training moved nothing"
    assert distance(together[0], weights(alone)) < SAME


def test_accumulated_parts_do_what_the_whole_batch_does(adapter, changes, tmp_path):
    whole, history = reward_run(adapter, tmp_path / "whole", reward_method(**changes, batch=4))
    parts, again = reward_run(adapter, tmp_path / "parts", reward_method(**changes, batch=2, accumulation=2))
    assert distance(weights(parts), weights(whole)) < SAME
    for name in ("reward", "loss"):
        assert [row[name] for row in again[1:]] == pytest.approx([row[name] for row in history[1:]], abs=1e-5)
