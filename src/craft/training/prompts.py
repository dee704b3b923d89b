"""Which label an image gets, and which prompt: the plain label prompt, or one of the label's enriched descriptions."""

from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge


def all_prompts(knowledge: Knowledge) -> list[str]:
    """Every prompt that an image of this modality can get, the empty one of classifier-free guidance included."""
    return ["", *(text for label in knowledge.labels.values() for text in (label.prompt, *label.descriptions))]


def balanced_labels(labels: list[str], count: int, offset: int = 0) -> list[str]:
    """`count` label keys in turn, starting at `offset`."""
    return [labels[(offset + index) % len(labels)] for index in range(count)]


def draw_prompts(knowledge: Knowledge, labels: list[str], style: str, draws: Draws) -> list[str]:
    """A prompt for every label key.

    Args:
        knowledge: the modality's knowledge.
        labels: label keys, one per image.
        style: `plain` (the label prompt) or `enriched` (a description, drawn uniformly).
        draws: random numbers; `plain` needs none.
    """
    if style == "plain":
        return [knowledge.labels[label].prompt for label in labels]
    pools = [knowledge.labels[label].descriptions for label in labels]
    chosen = draws.uniform(len(pools)).tolist()
    return [pool[int(draw * len(pool))] for pool, draw in zip(pools, chosen, strict=True)]
