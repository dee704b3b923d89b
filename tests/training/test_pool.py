"""Pools of generated images: what is kept of them, what weighs how much, and which image of a pair is preferred."""

import pytest
import torch

from craft.reward.evidence import ImageFeatures
from craft.training.pool import Pool, best_rows
from craft.training.pooled import reward_weights
from craft.training.preference import preference_signs, satisfied_share


def make_pool(rewards, labels, aligned=None) -> Pool:
    rewards, labels = torch.tensor(rewards), torch.tensor(labels)
    features = ImageFeatures(torch.zeros(len(labels), 2) if aligned is None else torch.tensor(aligned), labels)
    return Pool(torch.zeros(len(labels), 1), [""] * len(labels), labels, rewards, features, 2)


def test_the_best_image_of_every_wanted_one_is_kept_and_of_equal_ones_the_first():
    assert best_rows(torch.tensor([0.1, 0.5, 0.5, 0.9, 0.2, 0.3]), 3).tolist() == [1, 3]
    assert make_pool([0.2, 0.1, 0.3, 0.4], [0, 0, 1, 1]).best().tolist() == [0, 3]


def test_images_weigh_by_their_reward_within_their_label_and_labels_weigh_alike():
    weights = reward_weights(make_pool([0.1, 0.2, 5.1, 5.2, 5.3], [0, 0, 1, 1, 1]), 0.1)
    assert weights[:2].mean() == pytest.approx(1) and weights[2:].mean() == pytest.approx(1)
    assert (weights[1] / weights[0]).item() == pytest.approx(torch.e, rel=1e-4)
    assert reward_weights(make_pool([0.1, 0.9], [0, 0]), 1e6).tolist() == pytest.approx([1, 1], abs=1e-4)


def test_an_item_is_satisfied_where_an_image_is_nearer_to_its_statement_than_to_its_contradiction():
    items = [torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[-1.0, 0.0]])]
    pool = make_pool([0.0] * 3, [0, 0, 1], [[1.0, -1.0], [1.0, 1.0], [1.0, 1.0]])
    assert satisfied_share(pool, items).tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    ("first", "second", "signs"),
    [
        (3, 1, (1, -1)),
        (1, 3, (-1, 1)),
        (5, 4, (1, -1)),
        (3, 3, (1, 1)),
        (2, 2, (-1, -1)),
        (2, 0, (-1, -1)),
        (0, 2, (-1, -1)),
        (3, 2, (1, -1)),
    ],
)
def test_with_five_items_two_at_most_lose_equal_ones_above_win_and_else_the_larger_sum_wins(first, second, signs):
    found = preference_signs(torch.tensor([first / 5]), torch.tensor([second / 5]), 0.4)
    assert tuple(found[0].tolist()) == signs
