"""The hub's file that says how images become the input of a model."""

import json
from pathlib import Path

from torch import Tensor

from craft.core.errors import CraftError

# keys of the side of square images, the first of which counts
SIDES = ("height", "shortest_edge", "longest_edge")


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


def read_preprocessor(path: str, **hub: str | bool) -> tuple[int, list[float], list[float]]:
    """Side of the input, mean and std of a model folder or hub id; 0 and 1 where it says that images are not scaled.

    Args:
        path: folder or hub id.
        hub: `revision` and `local_files_only`.

    Raises:
        OSError: if it has no such file.
        CraftError: if the file lacks one of them.
    """
    from transformers.image_processing_utils import BaseImageProcessor

    processor, _ = BaseImageProcessor.get_image_processor_dict(path, **hub)
    scaled = processor.get("do_normalize", True)
    if missing := [name for name in (("image_mean", "image_std") if scaled else ()) if not processor.get(name)]:
        raise CraftError(
            f"its preprocessor_config.json has no `{missing[0]}`; add what the model was trained with, for example"
            f' `"{missing[0]}": [0.5, 0.5, 0.5]`, or `"do_normalize": false`'
        )
    mean, std = (processor["image_mean"], processor["image_std"]) if scaled else ([0.0] * 3, [1.0] * 3)
    return read_side(processor), mean, std


def read_side(processor: dict) -> int:
    """Side in pixels of the images that a processor makes.

    Raises:
        CraftError: if it tells none.
    """
    size = processor.get("crop_size") or processor.get("size")
    side = size if isinstance(size, int) else next((size[key] for key in SIDES if key in size), None) if size else None
    if side is None:
        raise CraftError(
            "its preprocessor_config.json tells no side of images; add for example"
            ' `"size": {"height": 224, "width": 224}`'
        )
    return side
