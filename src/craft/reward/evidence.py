"""What the dimensions of CAS are computed from: knowledge and real reference images of every label, embedded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageFeatures:
    """What a judge sees in n images.

    Attributes:
        aligned: embeddings of the image-text evaluator, L2-normalised, shape (n, width).
        visual: features of the vision encoder, as they are, shape (n, visual width).
    """

    aligned: Tensor
    visual: Tensor

    def __len__(self) -> int:
        return len(self.aligned)

    def __getitem__(self, rows: Tensor | slice) -> "ImageFeatures":
        """Those of some images."""
        return ImageFeatures(self.aligned[rows], self.visual[rows])

    def to(self, device: torch.device | str) -> "ImageFeatures":
        """The same on a device."""
        return ImageFeatures(self.aligned.to(device), self.visual.to(device))

    @classmethod
    def join(cls, parts: Sequence["ImageFeatures"]) -> "ImageFeatures":
        """Those of several sets of images, one after the other."""
        return cls(torch.cat([part.aligned for part in parts]), torch.cat([part.visual for part in parts]))


@dataclass(frozen=True)
class LabelTexts:
    """Embeddings of what the knowledge says of one label, L2-normalised, shapes (n, width); weights (items,)."""

    descriptions: Tensor
    present: Tensor
    absent: Tensor
    weights: Tensor


class Evidence:
    """What one judge makes of the knowledge and of the reference images of a dataset.

    Attributes:
        description: mean embedding of every label's descriptions, shape (labels, width).
        contrast: weighted mean of every label's checklist, present less absent statements, shape (labels, width).
        references: visual features of real reference images of every label, shapes (n, visual width).
        scale: the evaluator's inverse temperature.
        neighbours: how many reference images an image is compared with; a label with fewer uses all it has.
    """

    def __init__(self, texts: list[LabelTexts], references: list[Tensor], scale: float, neighbours: int):
        """Texts and references of the same labels, in their order.

        Raises:
            ValueError: if they are not of the same two or more labels, or a label has no reference image.
        """
        if len(texts) != len(references) or len(texts) < 2:
            raise ValueError(f"need texts and references of the same two or more labels, got {len(texts)}")
        if empty := [index for index, reference in enumerate(references) if not len(reference)]:
            raise ValueError(f"label number {empty[0]} has no reference image")
        # cosines are linear in the texts, so a label's mean description and item contrast are one vector each
        self.description = torch.stack([text.descriptions.mean(0) for text in texts])
        self.contrast = torch.stack(
            [(text.weights[:, None] * (text.present - text.absent)).sum(0) / text.weights.sum() for text in texts]
        )
        self.references, self.scale, self.neighbours = references, float(scale), neighbours
        self._shared: list[tuple[Tensor, Tensor]] | None = None

    @property
    def width(self) -> int:
        """Length of the evaluator's embeddings."""
        return self.description.shape[1]

    @property
    def visual_width(self) -> int:
        """Length of the encoder's features."""
        return self.references[0].shape[1]

    @property
    def labels(self) -> int:
        """Number of labels."""
        return len(self.description)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the block, dimensions that ask for the similarities of the same embeddings share them.

        Each dimension's own product would give the same scores, but a gradient that differs in the last digits, and
        with it other trained adapters. Nothing is kept beyond the block, since a caller may change embeddings in place.
        """
        self._shared = []
        try:
            yield
        finally:
            self._shared = None

    def similarity(self, features: ImageFeatures, description: Tensor) -> Tensor:
        """Cosines (n, labels) of aligned embeddings to `description`, this evidence's on the embeddings' device."""
        embeddings = features.aligned
        if self._shared is None:
            return embeddings @ description.T
        for known, similarity in self._shared:
            if known is embeddings:
                return similarity
        self._shared.append((embeddings, embeddings @ description.T))
        return self._shared[-1][1]
