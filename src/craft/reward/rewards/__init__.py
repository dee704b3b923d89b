"""The rewards by name: what one number is made of an image in training; each module holds a `REWARD` function.

A reward takes what the evaluator sees (`craft.reward.rewards.base.Seen`) and returns a tensor (n,), differentiable in
the images, about [0, 1], higher where an image is better.
"""

from craft.core.registry import Registry

REWARDS = Registry(
    "reward",
    "REWARD",
    {
        "weighted_mean": "craft.reward.rewards.weighted_mean",
        "prompt_similarity": "craft.reward.rewards.prompt_similarity",
    },
)
