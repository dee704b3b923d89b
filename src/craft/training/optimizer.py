"""AdamW with warm-up and cosine decay, as every model that is trained from nothing uses it."""

import torch
from torch import nn


def adamw_cosine(model: nn.Module, learning_rate: float, steps: int, weight_decay: float):
    """The optimiser and its schedule: warm-up over a twentieth of the steps, then a cosine to zero."""
    from transformers import get_cosine_schedule_with_warmup

    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    return optimizer, get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
