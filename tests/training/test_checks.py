"""The images of the guard's checks: kept as they are, and complete after a resumption."""

import pytest
import torch
from runs import make_adapter, reward_run

from craft.core.errors import CraftError
from craft.core.images import decode_images, to_tensor
from craft.training.checks import LARGEST, collect_checks, keep_check
from craft.training.watch import CHECKS


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return make_adapter(tmp_path_factory.mktemp("adapter"))


def test_images_come_back_by_step_with_their_labels(tmp_path):
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for step in (0, 10):
        keep_check(tmp_path, ["a", "b", "a"], step, images * (1 if step else 0.5))
    frame = collect_checks(tmp_path, [0, 10])
    assert frame["step"].tolist() == [0] * 3 + [10] * 3 and frame["number"].tolist() == [0, 1, 2] * 2
    assert frame["label"].tolist() == ["a", "b", "a"] * 2
    assert torch.allclose(to_tensor(decode_images(frame))[3:], images, atol=0.5 / 255 + 1e-6)
    with pytest.raises(CraftError, match="images of a check are missing"):
        collect_checks(tmp_path, [0, 10, 20])


def test_large_images_are_kept_small(tmp_path):
    keep_check(tmp_path, ["a"], 0, torch.rand(1, 3, 2 * LARGEST, 2 * LARGEST))
    assert decode_images(collect_checks(tmp_path, [0])).shape == (1, LARGEST, LARGEST, 3)


def test_a_resumed_run_has_the_images_of_all_its_checks(adapter, tmp_path, monkeypatch):
    _, history = reward_run(adapter, tmp_path / "whole")
    steps = [row["step"] for row in history if "monitor" in row]

    def interrupted(folder, labels, step, images):
        if step == steps[-1]:
            raise KeyboardInterrupt
        keep_check(folder, labels, step, images)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("craft.training.watch.keep_check", interrupted)
        reward_run(adapter, tmp_path / "cut")
    reward_run(adapter, tmp_path / "cut")
    whole, resumed = (collect_checks(tmp_path / name / CHECKS, steps) for name in ("whole", "cut"))
    assert steps == [0, 2, 4] and len(whole) == 3 * 4
    assert whole.equals(resumed)
