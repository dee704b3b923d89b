"""Which prompt an image gets: the plain label prompt, or one of the label's enriched descriptions."""

import torch

from craft.knowledge.schema import Knowledge


def draw_prompts(book: Knowledge, labels: list[str], style: str, generator: torch.Generator) -> list[str]:
    """A prompt for every label key.

    Args:
        book: the modality's knowledge.
        labels: label keys, one an image.
        style: `plain` (the label prompt) or `enriched` (a description, drawn uniformly).
        generator: of the draws; `plain` draws nothing.
    """
    if style == "plain":
        return [book.labels[label].prompt for label in labels]
    pools = [book.labels[label].descriptions for label in labels]
    draws = torch.rand(len(pools), generator=generator)
    return [pool[int(draw * len(pool))] for pool, draw in zip(pools, draws.tolist(), strict=True)]
