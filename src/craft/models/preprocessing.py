"""The hub's file that says how images become the input of a model."""

import json
from pathlib import Path

from torch import Tensor


def write_preprocessor(folder: Path, size: int, mean: Tensor, std: Tensor) -> None:
    """Write `preprocessor_config.json` for square images of a side, scaled as (image - mean) / std by channel."""
    preprocessor = {
        "image_processor_type": "SiglipImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "size": {"height": size, "width": size},
        "image_mean": mean.flatten().tolist(),
        "image_std": std.flatten().tolist(),
    }
    (Path(folder) / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")


def read_preprocessor(path: str) -> tuple[int, list[float], list[float]]:
    """Side of the input, mean and std of a model folder or hub id.

    Raises:
        OSError: if it has no such file.
    """
    from transformers.image_processing_utils import BaseImageProcessor

    processor, _ = BaseImageProcessor.get_image_processor_dict(path)
    size = processor.get("crop_size") or processor["size"]
    side = size if isinstance(size, int) else size.get("height") or size["shortest_edge"]
    return side, processor["image_mean"], processor["image_std"]
