"""The classifier of phantoms: what label a phantom shows, according to a network that no other model ever met."""

from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.saving import save_in_half
from craft.models.weights import check_hashes, load_whole, loading


class PhantomClassifier(nn.Module):
    """A ResNet over the labels of all modalities; its probabilities are taken within one modality.

    Attributes:
        labels: 'modality/label' of every output.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.labels = [model.config.id2label[index] for index in range(model.config.num_labels)]

    @classmethod
    def build(cls, labels: dict[str, list[str]]) -> "PhantomClassifier":
        """An untrained classifier for modality -> labels."""
        from transformers import ResNetConfig, ResNetForImageClassification

        names = [f"{modality}/{label}" for modality, members in labels.items() for label in members]
        config = ResNetConfig(
            embedding_size=24,
            hidden_sizes=[24, 48, 96, 128],
            depths=[1, 1, 1, 1],
            layer_type="basic",
            id2label=dict(enumerate(names)),
            label2id={name: index for index, name in enumerate(names)},
        )
        return cls(ResNetForImageClassification(config))

    @classmethod
    def load(cls, path: str, device: str = "cpu") -> "PhantomClassifier":
        """Load a frozen classifier.

        Raises:
            CraftError: if there is none at `path`.
        """
        from transformers import AutoModelForImageClassification

        with loading("classifier of phantoms", path):
            check_hashes(path)
            load = AutoModelForImageClassification.from_pretrained
            model = load_whole(load, path, dtype=torch.float32, trust_remote_code=False)
        return cls(model).requires_grad_(False).eval().to(device)

    def save(self, folder: Path) -> None:
        """Save as a transformers folder, weights in half precision."""
        save_in_half(self.model, folder)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, labels) of images (n, 3, h, w) in [0, 1]."""
        return self.model(pixel_values=(images - 0.5) / 0.5).logits

    @torch.inference_mode()
    def probabilities(self, images: Tensor, modality: str, labels: list[str], batch: int = 128) -> Tensor:
        """Probabilities (n, len(labels)) among the given labels of one modality.

        Raises:
            CraftError: if the classifier does not know a label.
        """
        names = [f"{modality}/{label}" for label in labels]
        if unknown := [name for name in names if name not in self.labels]:
            raise CraftError(
                f"the classifier of phantoms does not know {unknown[0]!r}; set `phantom_classifier: null` for"
                " such a dataset"
            )
        columns = [self.labels.index(name) for name in names]
        logits = torch.cat([self(chunk.to(self.model.device)).cpu() for chunk in images.split(batch)])
        return logits[:, columns].softmax(1)
