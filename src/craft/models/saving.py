"""How models are saved: small on disk, and in float32 for whoever loads them."""

from pathlib import Path

import torch

from craft.core.files import write_json
from craft.core.reading import read_json


def save_in_half(model, folder: Path) -> None:
    """Save a model or pipeline of the hub's libraries with weights in half precision, which are read as float32.

    `transformers` loads a model in the precision that its configuration records, `diffusers` in float32: a recorded
    half precision ends in an error where the two meet, or where an image is prepared as float32.
    """
    model.to(dtype=torch.float16).save_pretrained(folder)
    model.to(dtype=torch.float32)
    for file in Path(folder).rglob("config.json"):
        config = read_json(file)
        if "dtype" in config:
            write_json(file, config | {"dtype": "float32"})
