"""Evaluators of open_clip, such as BiomedCLIP: a folder with `open_clip_config.json`, or a hub id that holds one."""

from torch import Tensor

from craft.core.errors import CraftError
from craft.models.evaluators import ImageTextEvaluator
from craft.models.hub import OPEN_CLIP, fetch_folder
from craft.models.weights import check_hashes, loading

WEIGHTS = "open_clip_*.safetensors"
# the configuration, what a tokenizer is made of, and the weights
FILES = ["*.json", "*.txt", "*.model", WEIGHTS]


class OpenClipEvaluator(ImageTextEvaluator):
    """An evaluator around a model and a tokenizer of open_clip, which cuts and pads texts itself."""

    @property
    def window(self) -> int:
        """See `ImageTextEvaluator.window`."""
        return self.tokenizer.context_length

    def count_tokens(self, texts: list[str]) -> list[int]:
        """See `ImageTextEvaluator.count_tokens`."""
        if inner := getattr(self.tokenizer, "tokenizer", None):
            return [len(ids) for ids in inner(list(texts)).input_ids]
        # open_clip's own tokenizer leaves the marks of begin and end out
        return [len(self.tokenizer.encode(text)) + 2 for text in texts]

    def image_features(self, pixels: Tensor) -> Tensor:
        """See `ImageTextEvaluator.image_features`."""
        return self.model.encode_image(pixels)

    def text_features(self, texts: list[str]) -> Tensor:
        """See `ImageTextEvaluator.text_features`."""
        return self.model.encode_text(self.tokenizer(list(texts)).to(self.device))


def load(path: str, device: str = "cpu", **hub: str | bool) -> ImageTextEvaluator:
    """Load a frozen evaluator from a folder or a hub id, in float32.

    Args:
        path: folder or hub id.
        device: `cpu` or a GPU.
        hub: `revision` and `local_files_only`.

    Raises:
        CraftError: if open_clip is not installed, or there is no such model with weights as safetensors.
    """
    try:
        import open_clip
    except (ImportError, RuntimeError) as error:  # torchvision raises the latter where it does not fit torch
        raise CraftError(
            f"no evaluator can be loaded from {path!r}: open_clip is not installed; run"
            " `pip install -e '.[evaluators]'` in the project's folder"
        ) from error
    with loading("evaluator of open_clip", path):
        folder = fetch_folder(path, FILES, **hub)
        if not (folder / OPEN_CLIP).is_file():
            raise CraftError(f"it has no {OPEN_CLIP}; leave `loader` out")
        # which open_clip prefers; where there are none it would unpickle others
        if not any(folder.glob(WEIGHTS)):
            raise CraftError(f"it has no weights {WEIGHTS}, and no others are read; save them as safetensors")
        check_hashes(folder)
        model = open_clip.create_model(f"local-dir:{folder}", precision="fp32", require_pretrained=True)
        tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        seen = model.visual.preprocess_cfg
        size = seen["size"] if isinstance(seen["size"], int) else max(seen["size"])
        evaluator = OpenClipEvaluator(model.float(), tokenizer, size, list(seen["mean"]), list(seen["std"]))
        evaluator.requires_grad_(False).eval().try_out()
        return evaluator.to(device)


LOADER = load
