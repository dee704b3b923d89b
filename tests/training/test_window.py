"""The window: a step sees the batches before it, as many as asked for, whatever a batch is divided into."""

import torch

from craft.reward.scored import Scored
from craft.training.parts import Part
from craft.training.window import Window


def scored(*rewards: float) -> Scored:
    n = len(rewards)
    reward = torch.tensor(rewards, requires_grad=True)
    return Scored(torch.zeros(n, dtype=torch.long), torch.arange(n), reward, torch.zeros(n, 4), torch.zeros(n, 3))


def seen(window: Window, step: int, *rewards: float, **part: int) -> list[float]:
    past = window.add(Part(step, **part), scored(*rewards))
    assert not past.reward.requires_grad
    return sorted(past.reward.tolist())


def test_a_step_sees_the_batches_before_it_and_never_its_own():
    window = Window(2)
    assert [seen(window, step, float(step)) for step in range(1, 6)] == [[], [1], [1, 2], [2, 3], [3, 4]]


def test_parts_of_a_batch_see_the_same():
    window = Window(1)
    found = [seen(window, step, step + 0.25 * share, share=share, shares=2) for step in (1, 2, 3) for share in (0, 1)]
    assert found == [[], [], [1, 1.25], [1, 1.25], [2, 2.25], [2, 2.25]]


def test_what_it_remembers_survives():
    window, again = Window(2), Window(2)
    for step in (1, 2, 3):
        seen(window, step, float(step))
    again.restore({name: tensor.clone() for name, tensor in window.tensors().items()})
    assert seen(window, 4, 4.0) == seen(again, 4, 4.0) == [2, 3]
