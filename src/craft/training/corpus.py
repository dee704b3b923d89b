"""The training images and texts of several datasets side by side, for models that know all modalities."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zlib import crc32

import numpy as np
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.settings import Role
from craft.knowledge.schema import ChecklistItem, Knowledge, LabelKnowledge
from craft.training.signs import read_signs


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
        items: checklist items of every dataset, in order, m of them.
        answers: int8, shape (n, m): 1 where an item's present statement is true of an image, -1 where its absent one
            is, 0 where neither is known or the item is of another dataset.
        role: of the evaluator that is trained, which says whose descriptions it reads.
    """

    images: np.ndarray
    label: np.ndarray
    dataset: np.ndarray
    captions: list[str]
    coarse_captions: list[str]
    attributes: list[str]
    labels: list[LabelKnowledge]
    knowledge: list[Knowledge]
    items: list[ChecklistItem]
    answers: np.ndarray
    role: Role = "reward"

    @classmethod
    def load(
        cls,
        images: list[Path],
        knowledge: list[Path],
        split: str,
        fold: int = 0,
        folds: int = 1,
        signs: list[Path] | None = None,
        role: Role = "reward",
    ) -> "Corpus":
        """Read one split of every dataset; with `folds`, only the patients of one fold.

        Args:
            images: image tables.
            knowledge: one knowledge file for every image table.
            split: of the images.
            fold, folds: which of how many folds.
            signs: one table of signs for every image table; without them nothing is known of an image but its label.
            role: of the evaluator that is trained; a held-out one reads descriptions of its own.

        Raises:
            CraftError: if there is not one file of a kind for every image table, or a fold is empty.
        """
        for what, paths in (("knowledge files", knowledge), ("tables of signs", signs)):
            if paths is not None and len(images) != len(paths):
                raise CraftError(f"{len(images)} image tables but {len(paths)} {what}; give one for each")
        known = [Knowledge.load(path) for path in knowledge]
        items = [item for own in known for item in own.items()]
        pixels, label, dataset, captions, coarse, drawn, labels, answers = [], [], [], [], [], [], [], []
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
            told = np.zeros((len(frame), len(items)), np.int8)
            if signs:
                first, asked = sum(len(other.items()) for other in known[:number]), own.items()
                statements = [item.present for item in asked]
                told[:, first : first + len(asked)] = read_signs(signs[number], frame["image_id"], statements)
            answers.append(told)
        arrays = (np.concatenate(parts) for parts in (pixels, label, dataset))
        return cls(*arrays, captions, coarse, drawn, labels, known, items, np.concatenate(answers), role)

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: np.ndarray) -> "Corpus":
        """The images of some rows, with all that is known of their datasets."""
        told = {
            name: [getattr(self, name)[row] for row in rows] for name in ("captions", "coarse_captions", "attributes")
        }
        arrays = {name: getattr(self, name)[rows] for name in ("images", "label", "dataset", "answers")}
        return replace(self, **told, **arrays)

    @property
    def modalities(self) -> list[str]:
        """Modality of every dataset."""
        return [known.modality for known in self.knowledge]

    @property
    def dataset_of_label(self) -> np.ndarray:
        """Index of every label's dataset, shape (labels,)."""
        return np.repeat(np.arange(len(self.knowledge)), [len(known.labels) for known in self.knowledge])

    @cached_property
    def own_items(self) -> np.ndarray:
        """Which items stand in the checklist of which label, bool of shape (labels, m)."""
        texts = [{(item.present, item.absent) for item in label.checklist} for label in self.labels]
        return np.array([[(item.present, item.absent) in own for item in self.items] for own in texts])

    @cached_property
    def sibling_items(self) -> np.ndarray:
        """Which items' present statements do not stand in the checklist of which label, bool of shape (labels, m)."""
        texts = [{item.present for item in label.checklist} for label in self.labels]
        return np.array([[item.present not in own for item in self.items] for own in texts])

    def draw_item(self, row: int, rng: np.random.Generator) -> tuple[ChecklistItem, int]:
        """A checklist item and its truth (1 or -1) in an image.

        Where items of the image's own label and of its siblings are known, each kind is drawn half of the time. Where
        nothing is known of the image, an item of its label counts as true.
        """
        label, known = self.label[row], self.answers[row] != 0
        kinds = [np.flatnonzero(known & kind[label]) for kind in (self.own_items, self.sibling_items)]
        kinds = [numbers for numbers in kinds if len(numbers)]
        if not kinds:
            checklist = self.labels[label].checklist
            return checklist[rng.integers(len(checklist))], 1
        numbers = kinds[rng.integers(len(kinds))]
        number = numbers[rng.integers(len(numbers))]
        return self.items[number], int(self.answers[row, number])

    def descriptions(self, label: int) -> list[str]:
        """The descriptions of a label that the evaluator in training reads."""
        return self.labels[label].descriptions_for(self.role)

    def tensor(self, rows: np.ndarray) -> Tensor:
        """Images of some rows, float32 in [0, 1], shape (n, 3, size, size)."""
        return to_tensor(self.images[rows])

    def texts(self) -> list[str]:
        """Every text that belongs to these images: captions and the knowledge of their labels, whoever reads it."""
        texts = [text for text in self.captions + self.coarse_captions if text]
        for known in self.knowledge:
            texts += known.coarse_prompts
        for label in self.labels:
            texts += [label.name, label.prompt, label.definition, *label.described().values()]
            texts += [text for item in label.checklist for text in (item.present, item.absent)]
        return texts

    def coarse_caption(self, row: int, rng: np.random.Generator) -> str:
        """The coarse caption of an image, or a coarse prompt of its dataset where it has none."""
        return self.coarse_captions[row] or str(rng.choice(self.knowledge[self.dataset[row]].coarse_prompts))
