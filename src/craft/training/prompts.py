"""Which label an image gets, and which prompt: the label prompt, a description of the label, or its learned word."""

from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.words import word_of


def all_prompts(knowledge: Knowledge, style: str = "plain") -> list[str]:
    """Every prompt that an image of this modality can get, the empty one of classifier-free guidance included.

    Those with learned words are among them where the style is `learned`.
    """
    texts = [text for label in knowledge.labels.values() for text in (label.prompt, *label.descriptions)]
    learned = [learned_prompt(knowledge, label) for label in knowledge.labels] if style == "learned" else []
    return ["", *texts, *learned]


def learned_prompt(knowledge: Knowledge, label: str) -> str:
    """The modality's first coarse prompt with the word that was learned for a label key."""
    return f"{knowledge.coarse_prompts[0]}, {word_of(label)}"


def balanced_labels(labels: list[str], count: int, offset: int = 0) -> list[str]:
    """`count` label keys in turn, starting at `offset`."""
    return [labels[(offset + index) % len(labels)] for index in range(count)]


def draw_prompts(knowledge: Knowledge, labels: list[str], style: str, draws: Draws) -> list[str]:
    """A prompt for every label key.

    Args:
        knowledge: the modality's knowledge.
        labels: label keys, one per image.
        style: `plain` (the label prompt), `enriched` (a description, drawn uniformly) or `learned` (the label's word).
        draws: random numbers; only `enriched` needs some.
    """
    if style == "plain":
        return [knowledge.labels[label].prompt for label in labels]
    if style == "learned":
        return [learned_prompt(knowledge, label) for label in labels]
    pools = [knowledge.labels[label].descriptions for label in labels]
    chosen = draws.uniform(len(pools)).tolist()
    return [pool[int(draw * len(pool))] for pool, draw in zip(pools, chosen, strict=True)]
