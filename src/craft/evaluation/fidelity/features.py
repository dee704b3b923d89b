"""Image features that fidelity is measured on: of evaluators, of encoders, and of Inception-v3 where it can be had."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from craft.core.errors import CraftError
from craft.core.reading import read_tensors
from craft.evaluation.settings import FeaturesRef
from craft.evaluation.statistics.frechet import scale_embeddings
from craft.reward.embeddings import read_embeddings

# images (n, 3, height, width) in [0, 1] -> features (n, width)
Encoder = Callable[[torch.Tensor], np.ndarray]


def encoded_images(path: Path, ref: FeaturesRef, ids: Sequence[str]) -> np.ndarray:
    """Features of some images, shape (len(ids), width): unit vectors are scaled, others are as they are.

    Args:
        path: feature file of the images.
        ref: evaluator or encoder.
        ids: of the images.

    Raises:
        CraftError: if the file is missing, or lacks the evaluator or encoder, or an image.
    """
    features = read_embeddings(path, ref.name, list(ids)).numpy().astype(float)
    return scale_embeddings(features) if ref.unit else features


def inception_encoder(weights: str, device: str = "cpu") -> Encoder:
    """The 2048 pooled features of torchvision's Inception-v3 (Szegedy et al. 2016).

    The customary FID uses weights that were ported from TensorFlow, so that values of other weights compare only with
    one another. Nothing is downloaded.

    Args:
        weights: safetensors file of the network's state.
        device: where it runs.

    Raises:
        CraftError: if torchvision or the file is missing, or the file holds another network.
    """
    try:
        from torchvision.models import inception_v3
    except ImportError as error:
        raise CraftError(
            "fidelity.inception needs torchvision, which is not installed; install the build that fits your torch"
            " (`pip install torchvision`) or set `fidelity: {inception: null}`"
        ) from error
    if not Path(weights).is_file() or Path(weights).suffix != ".safetensors":
        raise CraftError(
            f"fidelity.inception is {weights!r}, expected a safetensors file of torchvision's Inception-v3; save its"
            " `state_dict()` with `safetensors.torch.save_file`, or set `fidelity: {inception: null}`"
        )
    network = inception_v3(weights=None, init_weights=False)
    try:
        network.load_state_dict(read_tensors(weights, "export it again"))
    except RuntimeError as error:
        raise CraftError(
            f"{weights} does not hold the weights of torchvision's Inception-v3; export them again"
        ) from error
    network.fc = torch.nn.Identity()
    network.eval().requires_grad_(False).to(device)

    @torch.inference_mode()
    def encode(images: torch.Tensor) -> np.ndarray:
        features = []
        for chunk in images.split(64):
            large = F.interpolate(chunk.to(device), size=(299, 299), mode="bilinear", antialias=True)
            features.append(network(large * 2 - 1).cpu().double())
        return torch.cat(features).numpy()

    return encode
