"""Differentiable augmentation in front of an evaluator, so that a reward cannot be won by one pixel pattern."""

import torch
from torch import Tensor, nn

from craft.core.seeds import Draws


class Augmentation(nn.Module):
    """Small shifts, zooms, brightness and contrast changes and noise; images in and out are (n, 3, h, w) in [0, 1]."""

    def __init__(self, shift: float = 0.06, zoom: float = 0.08, light: float = 0.1, noise: float = 0.02):
        super().__init__()
        self.shift, self.zoom, self.light, self.noise = shift, zoom, light, noise

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """Augment every image with its own draw."""
        n = len(images)
        draw = draws.uniform(n, 5).to(images) * 2 - 1
        theta = torch.zeros(n, 2, 3).to(images)
        theta[:, 0, 0] = theta[:, 1, 1] = 1 + self.zoom * draw[:, 0]
        theta[:, :, 2] = 2 * self.shift * draw[:, 1:3]
        grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
        moved = nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        gain = 1 + self.light * draw[:, 3].view(n, 1, 1, 1)
        offset = self.light / 2 * draw[:, 4].view(n, 1, 1, 1)
        noise = draws.normal(*images.shape).to(images)
        return moved * gain + offset + self.noise * noise
