"""The reward of several evaluators, and that of the label prompt alone."""

import pytest
import torch
from runs import make_alignment
from tiny import tiny_judge

from craft.reward.rating import Rating, Rewarder
from craft.reward.settings import RatingSettings

PROMPTS = ["a lesion image", "a dark lesion"]
IMAGES, LABELS = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 0, 1])


@pytest.fixture(scope="module")
def rewarders():
    judges = tiny_judge(), tiny_judge(family="clip_bit", seed=1)
    return [Rewarder(judge, make_alignment(judge)) for judge in judges]


def rate(rewarders, images=IMAGES, **settings):
    rating = Rating(rewarders, RatingSettings(**settings), PROMPTS)
    return rating.reward_of(rating.see(images, LABELS))


def test_several_evaluators_reward_by_their_mean_and_each_of_them_has_a_gradient(rewarders):
    images = IMAGES.clone().requires_grad_(True)
    both = rate(rewarders, images)
    alone = [rate([rewarder]) for rewarder in rewarders]
    assert torch.allclose(both, (alone[0] + alone[1]) / 2) and not torch.allclose(alone[0], alone[1])
    (gradient,) = torch.autograd.grad(both.sum(), images)
    (first,) = torch.autograd.grad(rate(rewarders[:1], images).sum(), images)
    assert not torch.allclose(gradient, first / 2)


def test_prompt_similarity_is_the_cosine_to_the_own_labels_prompt_and_asks_no_calibration(rewarders):
    evaluator = rewarders[0].judge.evaluator
    cosines = evaluator.encode_images(IMAGES) @ evaluator.encode_texts(PROMPTS).T
    found = rate(rewarders[:1], reward="prompt_similarity")
    assert torch.allclose(found, cosines.gather(1, LABELS[:, None])[:, 0], atol=1e-6)
    other = [Rewarder(rewarders[0].judge, make_alignment(rewarders[0].judge, slope=0.5))]
    assert torch.equal(rate(other, reward="prompt_similarity"), found)


def test_prompt_similarity_without_prompts_is_refused(rewarders):
    rating = Rating(rewarders[:1], RatingSettings(reward="prompt_similarity"))
    with pytest.raises(ValueError, match="needs the label prompts"):
        rating.reward_of(rating.see(IMAGES, LABELS))


def test_without_calibration_the_raw_scores_pass_one_logistic_function(rewarders):
    judge = rewarders[0].judge
    plain, fitted = ([Rewarder(judge, make_alignment(judge, slope=slope))] for slope in (1.0, 4.0))
    found = rate(fitted, calibrated=False)
    assert torch.allclose(found, rate(plain)) and not torch.allclose(found, rate(fitted))
    assert ((found >= 0) & (found <= 1)).all()
