"""Image-text evaluators: a frozen CLIP- or SigLIP-shaped model behind two differentiable encoders."""

import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.loaders import LOADERS
from craft.models.preprocessing import write_preprocessor
from craft.models.saving import save_in_half
from craft.models.settings import EvaluatorRef
from craft.models.tokenizer import tokenize


class ImageTextEvaluator(nn.Module):
    """An image-text model with L2-normalised embeddings; images enter as float tensors in [0, 1] of any size.

    Attributes:
        size: side of the model's input, pixels.
        width: length of the embeddings.
    """

    def __init__(self, model: nn.Module, tokenizer, size: int, mean: list[float], std: list[float]):
        super().__init__()
        self.model, self.tokenizer, self.size = flatten_pooling(model), tokenizer, size
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self._warned = False

    def save(self, folder: Path) -> None:
        """Save model, tokenizer and preprocessing in the hub's formats, weights in half precision."""
        save_in_half(self.model, folder)
        self.tokenizer.save_pretrained(folder)
        write_preprocessor(folder, self.size, self.mean, self.std)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    @property
    def scale(self) -> Tensor:
        """The model's learned inverse temperature."""
        return self.model.logit_scale.exp()

    @property
    def tower(self) -> tuple[str, str] | None:
        """Loader and path of the frozen vision encoder that is its image tower; None where the tower is its own."""
        return None

    def project(self, visual: Tensor) -> Tensor:
        """Embeddings (n, width), L2-normalised, of features (n, visual width) of the encoder `tower`."""
        raise NotImplementedError("the image tower is the evaluator's own")

    @property
    def unmasked(self) -> bool:
        """Whether the text encoder reads all the padding of its window, as SigLIP's does."""
        return "siglip" in self.model.config.model_type

    def encode_images(self, images: Tensor) -> Tensor:
        """Embeddings (n, width), L2-normalised, of images (n, 3, h, w) in [0, 1]; differentiable in the images."""
        if images.shape[-1] != self.size or images.shape[-2] != self.size:
            images = F.interpolate(images, size=(self.size, self.size), mode="bicubic", antialias=True)
        # one pass over the pixels where (images - mean) / std takes two
        pixels = torch.addcmul(-self.mean / self.std, images, 1 / self.std)
        return F.normalize(self.image_features(pixels), dim=-1)

    def image_features(self, pixels: Tensor) -> Tensor:
        """Embeddings (n, width), not normalised, of scaled images (n, 3, size, size)."""
        return pooled(self.model.get_image_features(pixel_values=pixels))

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Embeddings (n, width), L2-normalised, of texts; a text beyond the model's window is cut with one warning."""
        self.warn_if_cut(texts)
        return F.normalize(self.text_features(texts), dim=-1)

    def text_features(self, texts: list[str]) -> Tensor:
        """Embeddings (n, width), not normalised, of texts, cut to the window."""
        tokens = tokenize(self.tokenizer, texts, padding="max_length" if self.unmasked else "longest").to(self.device)
        if self.unmasked:
            tokens.pop("attention_mask", None)
        return pooled(self.model.get_text_features(**tokens))

    @property
    def window(self) -> int:
        """Tokens that the text encoder reads at most."""
        return self.tokenizer.model_max_length

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Numbers of tokens of texts, uncut, marks of begin and end included."""
        return [len(ids) for ids in self.tokenizer(list(texts)).input_ids]

    def warn_if_cut(self, texts: list[str]) -> None:
        if self._warned:
            return
        lengths = self.count_tokens(texts)
        longest = max(range(len(texts)), key=lengths.__getitem__)
        if lengths[longest] > self.window:
            self._warned = True
            warnings.warn(
                f"the evaluator reads {self.window} tokens and cuts this text of {lengths[longest]}:"
                f" {texts[longest]!r}",
                stacklevel=3,
            )

    @torch.inference_mode()
    def try_out(self) -> None:
        """Encode one grey image and one text, so that a model that does not work is met where it is loaded.

        Raises:
            CraftError: if the embeddings are no finite numbers, or not as wide as each other.
            Exception: whatever a model of files that do not fit each other raises.
        """
        image = self.encode_images(torch.full((1, 3, self.size, self.size), 0.5, device=self.device))
        text = self.encode_texts(["an image"])
        if image.shape != text.shape or not (image.isfinite().all() and text.isfinite().all()):
            raise CraftError("its embeddings of images and texts are not finite numbers of one width")

    @torch.inference_mode()
    def embed(self, images: Tensor, batch: int = 128) -> Tensor:
        """Embeddings of many images without gradient, on the CPU, shape (n, width)."""
        return torch.cat([self.encode_images(chunk.to(self.device)).cpu() for chunk in images.split(batch)])


def load_evaluator(ref: EvaluatorRef, device: str = "cpu") -> ImageTextEvaluator:
    """Load a frozen evaluator, in float32, with the loader that its settings name.

    Raises:
        CraftError: if there is no such model or it has no image and text encoder.
    """
    return LOADERS[ref.loader](ref.path, device, **ref.hub)


def pooled(features) -> Tensor:
    """The embedding in what `get_image_features` and `get_text_features` return (a tensor or a model output)."""
    return features if isinstance(features, Tensor) else features.pooler_output


def flatten_pooling(model: nn.Module) -> nn.Module:
    """Let a convolutional tower that pools to (n, channels, 1, 1) feed the projection behind it."""
    tower = getattr(model, "vision_model", None)
    if isinstance(pooler := getattr(tower, "pooler", None), nn.AdaptiveAvgPool2d):
        tower.pooler = nn.Sequential(pooler, nn.Flatten())
    return model
