"""A judge: an image-text evaluator and the vision encoder of the same role, which look at the same images."""

from typing import Self

import torch
from torch import Tensor, nn

from craft.models.encoders import VisionEncoder, load_encoder
from craft.models.evaluators import ImageTextEvaluator, load_evaluator
from craft.models.settings import EvaluatorRef
from craft.reward.evidence import ImageFeatures


class Judge(nn.Module):
    """Two frozen models whose features CAS is computed from.

    Attributes:
        evaluator: reads images and texts.
        encoder: sees images only.
    """

    def __init__(self, evaluator: ImageTextEvaluator, encoder: VisionEncoder):
        super().__init__()
        self.evaluator, self.encoder = evaluator, encoder

    @classmethod
    def load(cls, ref: EvaluatorRef, device: str = "cpu") -> Self:
        """Load both models of a role.

        Raises:
            CraftError: if one of them cannot be loaded.
        """
        return cls(load_evaluator(ref, device), load_encoder(ref.encoder, device))

    @property
    def device(self) -> torch.device:
        return self.evaluator.device

    def encode_images(self, images: Tensor) -> ImageFeatures:
        """Features of images (n, 3, h, w) in [0, 1]; differentiable in the images."""
        visual = self.encoder.encode_images(images)
        # an evaluator on a locked tower needs no second pass through the same network
        shared = self.evaluator.tower is not None and self.evaluator.tower == self.encoder.origin
        aligned = self.evaluator.project(visual) if shared else self.evaluator.encode_images(images)
        return ImageFeatures(aligned, visual)

    @torch.inference_mode()
    def embed(self, images: Tensor, batch: int = 64) -> ImageFeatures:
        """Features of many images without gradient, on the CPU."""
        chunks = [self.encode_images(chunk.to(self.device)).to("cpu") for chunk in images.split(batch)]
        return ImageFeatures.join(chunks)
