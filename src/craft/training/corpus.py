"""The training images and texts of several datasets side by side, for models that know all modalities."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, to_tensor
from craft.knowledge.schema import Knowledge, LabelKnowledge


@dataclass
class Corpus:
    """Images of one split of several datasets with what is said of them.

    Attributes:
        images: uint8, shape (n, size, size, 3).
        label: index of each image's label in `labels`, shape (n,).
        dataset: index of each image's dataset, shape (n,).
        captions: detailed caption or '' (real images), length n.
        coarse_captions: caption without pathology or '', length n.
        attributes: JSON of what was drawn or '', length n.
        labels: knowledge of every label of every dataset, in order.
        knowledge: knowledge of every dataset, in order.
    """

    images: np.ndarray
    label: np.ndarray
    dataset: np.ndarray
    captions: list[str]
    coarse_captions: list[str]
    attributes: list[str]
    labels: list[LabelKnowledge]
    knowledge: list[Knowledge]

    @classmethod
    def load(cls, images: list[Path], knowledge: list[Path], split: str, fold: int = 0, folds: int = 1) -> "Corpus":
        """Read one split of every dataset; with `folds`, only the patients of one fold.

        Raises:
            CraftError: if there is not one knowledge file for every image table, or a fold is empty.
        """
        if len(images) != len(knowledge):
            raise CraftError(f"{len(images)} image tables but {len(knowledge)} knowledge files; give one for each")
        known = [Knowledge.load(path) for path in knowledge]
        pixels, label, dataset, captions, coarse, drawn, labels = [], [], [], [], [], [], []
        for number, (path, own) in enumerate(zip(images, known, strict=True)):
            frame = read_images(path, split)
            frame = frame[[crc32(patient.encode()) % folds == fold for patient in frame["patient_id"]]]
            if frame.empty:
                raise CraftError(f"fold {fold} of {folds} of {path} is empty; use fewer folds or more images")
            names = list(own.labels)
            pixels.append(decode_images(frame))
            label.append(len(labels) + frame["label"].map(names.index).to_numpy())
            dataset.append(np.full(len(frame), number))
            captions += frame["caption"].tolist()
            coarse += frame["coarse_caption"].tolist()
            drawn += frame["attributes"].tolist()
            labels += own.labels.values()
        return cls(
            np.concatenate(pixels),
            np.concatenate(label),
            np.concatenate(dataset),
            captions,
            coarse,
            drawn,
            labels,
            known,
        )

    def __len__(self) -> int:
        return len(self.label)

    @property
    def modalities(self) -> list[str]:
        """Modality of every dataset."""
        return [known.modality for known in self.knowledge]

    @property
    def dataset_of_label(self) -> np.ndarray:
        """Index of every label's dataset, shape (labels,)."""
        return np.repeat(np.arange(len(self.knowledge)), [len(known.labels) for known in self.knowledge])

    def tensor(self, rows: np.ndarray) -> Tensor:
        """Images of some rows, float32 in [0, 1], shape (n, 3, size, size)."""
        return to_tensor(self.images[rows])

    def texts(self) -> list[str]:
        """Every text that belongs to these images: captions and the knowledge of their labels."""
        texts = [text for text in self.captions + self.coarse_captions if text]
        for known in self.knowledge:
            texts += known.coarse_prompts
        for label in self.labels:
            texts += [label.name, label.prompt, label.definition, *label.descriptions]
            texts += [text for item in label.checklist for text in (item.present, item.absent)]
        return texts

    def coarse_caption(self, row: int, rng: np.random.Generator) -> str:
        """The coarse caption of an image, or a coarse prompt of its dataset where it has none."""
        return self.coarse_captions[row] or str(rng.choice(self.knowledge[self.dataset[row]].coarse_prompts))
