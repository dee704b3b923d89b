"""The reward of AlignProp and its like: how near an image lies to its label's prompt, and nothing else.

No description, no sibling, no checklist, no calibration: what a reader would try first.
"""

from torch import Tensor

from craft.reward.rewards.base import Seen
from craft.reward.settings import RatingSettings


def prompt_similarity(seen: Seen, settings: RatingSettings) -> Tensor:
    """Cosine (n,) of the images' embeddings to those of their label prompts, in [-1, 1].

    Raises:
        ValueError: if the evaluator was given no label prompts.
    """
    if seen.prompts is None:
        raise ValueError("the reward prompt_similarity needs the label prompts")
    return (seen.features.aligned * seen.prompts[seen.labels]).sum(1)


REWARD = prompt_similarity
