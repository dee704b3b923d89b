"""The feature file: what every judge makes of a dataset's images and knowledge, computed once and reused by all.

Keys of `features.safetensors`, for every evaluator or encoder M, evaluator E and label L: `M/images`, whose rows belong
to `image_ids` and whose splits are `image_splits`; `M/damaged` (damaged calibration images, and as many that are none),
whose rows belong to the images `damaged_ids`; `E/scale`, `E/descriptions/L`, `E/present/L`, `E/absent/L`. The feature
file of a generated image set holds `M/images` and `image_ids` alone.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.images import GROUP, decode_images, to_tensor
from craft.core.reading import open_tensors
from craft.core.rows import find_rows, pack_ids, unpack_ids, write_rows
from craft.core.seeds import torch_generator
from craft.knowledge.schema import Knowledge
from craft.models.settings import EvaluatorRef
from craft.reward.cas import ClinicalAlignment, Logistic, RawScores
from craft.reward.damage import COPIES, damage_all
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts
from craft.reward.feature_file import AGAIN, DAMAGED_IDS, IMAGE_SPLITS, INTERCEPTS, RULE, read_features, read_map
from craft.reward.judge import Judge

log = logging.getLogger(__name__)

FITTED_ON = "fitted_on"
# what chooses and what speaks of a gain share no reference image
REFERENCE_SPLITS = {"reward": "reference", "monitor": "reference", "held_out": "held_out_reference"}


def compute_features(
    judge: Judge, frames: Iterable[pd.DataFrame], knowledge: Knowledge, ref: EvaluatorRef, batch: int = 64
) -> dict[str, Tensor]:
    """All entries of one judge for an image table and its knowledge.

    Args:
        judge: what looks at the images.
        frames: the table in parts (`craft.core.images.stream_images`), of which one is held as pixels at a time.
        knowledge: of the modality.
        ref: names the judge, and says its role.
        batch: images that the judge sees at a time.
    """
    seen, calibration = [], []
    for frame in frames:
        pixels = decode_images(frame)
        seen.append(judge.embed(to_tensor(pixels), batch))
        calibration += list(pixels[rows_of(frame, "calibration")])
    images, generator = ImageFeatures.join(seen), torch_generator("damage", knowledge.modality)
    damaged = embed_damaged(judge, calibration, generator, batch) if calibration else images[:0]
    entries = entries_of(ref, "images", images) | entries_of(ref, "damaged", damaged)
    evaluator = judge.evaluator
    tensors = {"scale": evaluator.scale.detach().reshape(1).cpu()}
    with torch.inference_mode():
        for label, known in knowledge.labels.items():
            tensors[f"descriptions/{label}"] = evaluator.encode_texts(known.descriptions_for(ref.role)).cpu()
            tensors[f"present/{label}"] = evaluator.encode_texts([item.present for item in known.checklist]).cpu()
            tensors[f"absent/{label}"] = evaluator.encode_texts([item.absent for item in known.checklist]).cpu()
    return entries | {f"{ref.name}/{key}": tensor for key, tensor in tensors.items()}


def embed_damaged(
    judge: Judge, calibration: Sequence[np.ndarray], generator: torch.Generator, batch: int
) -> ImageFeatures:
    """What a judge sees in damaged copies of uint8 images (h, w, 3), copies after each other, `GROUP` images at a time.

    Args:
        judge: what looks at them.
        calibration: the images.
        generator: of the damage.
        batch: images that the judge sees at a time.
    """
    copies: list[list[ImageFeatures]] = [[] for _ in range(COPIES)]
    for start in range(0, len(calibration), GROUP):
        images = to_tensor(np.stack(calibration[start : start + GROUP]))
        seen = judge.embed(damage_all(images, generator, start), batch)
        for number, parts in enumerate(copies):
            parts.append(seen[number * len(images) : (number + 1) * len(images)])
    return ImageFeatures.join(list(chain.from_iterable(copies)))


def entries_of(ref: EvaluatorRef, key: str, features: ImageFeatures) -> dict[str, Tensor]:
    """The features of images as entries of a feature file, one of the evaluator and one of its encoder."""
    return {f"{ref.name}/{key}": features.aligned, f"{ref.encoder.name}/{key}": features.visual}


def write_features(path: Path, frame: pd.DataFrame, entries: Mapping[str, Tensor]) -> None:
    """Write the entries of all judges (`compute_features`) for an image table."""
    images = {key: tensor for key, tensor in entries.items() if key.endswith("/images")}
    others = {key: tensor for key, tensor in entries.items() if key not in images}
    calibration = list(frame["image_id"].iloc[rows_of(frame, "calibration")])
    kinds = max((len(entries[key]) for key in entries if key.endswith("/damaged")), default=0) // max(
        1, len(calibration)
    )
    images[IMAGE_SPLITS] = pack_ids(list(frame["split"]))
    write_rows(path, list(frame["image_id"]), images, {**others, DAMAGED_IDS: pack_ids(calibration * kinds)})


def rows_of(frame: pd.DataFrame, split: str) -> np.ndarray:
    """Row numbers of one split of an image table."""
    return np.flatnonzero(frame["split"] == split)


class Features:
    """The features of one dataset together with its image table and knowledge, joined by image id.

    Attributes:
        frame: the image table.
        labels: keys of the labels, in order.

    Raises:
        CraftError: if the files do not belong together.
    """

    def __init__(self, path: Path, frame: pd.DataFrame, knowledge: Knowledge):
        if not Path(path).is_file():
            raise CraftError(f"no feature file {path}: run `snakemake {path}` first")
        self.path, self.frame, self.knowledge = path, frame, knowledge
        self.tensors, ids, self.damaged_ids = read_features(path, knowledge)
        self.labels = list(knowledge.labels)
        self.rows = find_rows(ids, list(frame["image_id"]), path, RULE)

    def label_numbers(self, frame: pd.DataFrame) -> Tensor:
        """Indices (n,) of the labels of a table.

        Raises:
            CraftError: if a label is not one of the knowledge.
        """
        if unknown := set(frame["label"]) - set(self.labels):
            raise CraftError(f"unknown label {sorted(unknown)[0]!r}; the knowledge has {', '.join(self.labels)}")
        return torch.tensor(frame["label"].map(self.labels.index).to_numpy(np.int64))

    def of(self, model: str, key: str) -> Tensor:
        """One entry of an evaluator or encoder.

        Raises:
            CraftError: if the images were not encoded with it.
        """
        if f"{model}/{key}" not in self.tensors:
            raise CraftError(f"{self.path} has no {key!r} of the model {model!r}; run encode_images again")
        return self.tensors[f"{model}/{key}"].clone()

    def seen(self, ref: EvaluatorRef, key: str) -> ImageFeatures:
        """What a judge saw in the images of a key, `images` or `damaged`, in the order of the file."""
        return ImageFeatures(self.of(ref.name, key), self.of(ref.encoder.name, key))

    def digest(self, ref: EvaluatorRef) -> str:
        """SHA-256 of all that a calibration is fitted on: the judge's features, labels, splits, item weights."""
        weights = {label: [item.weight for item in known.checklist] for label, known in self.knowledge.labels.items()}
        known = hashlib.sha256(json.dumps([self.labels, weights]).encode())
        known.update("\n".join(self.frame["image_id"] + "/" + self.frame["split"] + "/" + self.frame["label"]).encode())
        for key in sorted(self.tensors):
            if key.startswith((f"{ref.name}/", f"{ref.encoder.name}/")):
                known.update(key.encode())
                known.update(self.tensors[key].contiguous().numpy())
        return known.hexdigest()

    def split(self, ref: EvaluatorRef, split: str) -> tuple[ImageFeatures, Tensor]:
        """Features of the images of one split, in the order of the table, and their label numbers (n,)."""
        rows = rows_of(self.frame, split)
        return self.seen(ref, "images")[torch.from_numpy(self.rows[rows])], self.label_numbers(self.frame.iloc[rows])

    def damaged(self, ref: EvaluatorRef) -> tuple[ImageFeatures, Tensor]:
        """Features of m damaged calibration images and of what is no image, and the numbers of their labels (m,)."""
        rows = find_rows(list(self.frame["image_id"]), self.damaged_ids, self.path, RULE)
        return self.seen(ref, "damaged"), self.label_numbers(self.frame.iloc[rows])

    def raw_scores(self, ref: EvaluatorRef, neighbours: int) -> RawScores:
        """The judge's raw scores with the reference images of its role.

        Raises:
            CraftError: if a label has none.
        """
        split = REFERENCE_SPLITS[ref.role]
        images, numbers = self.split(ref, split)
        references = [images.visual[numbers == number] for number in range(len(self.labels))]
        if lacking := [label for label, found in zip(self.labels, references, strict=True) if not len(found)]:
            raise CraftError(
                f"label {lacking[0]!r} has no image in the split {split!r}, among which {ref.name!r} ({ref.role}) looks"
                f" for neighbours; add images, enlarge `splits.{split}`, or choose another `split_seed`"
            )
        texts = []
        for label, known in self.knowledge.labels.items():
            weights = torch.tensor([item.weight for item in known.checklist])
            keys = (f"{key}/{label}" for key in ("descriptions", "present", "absent"))
            texts.append(LabelTexts(*(self.of(ref.name, key) for key in keys), weights))
        return RawScores(Evidence(texts, references, self.of(ref.name, "scale").item(), neighbours))

    def alignment(self, ref: EvaluatorRef, calibration: dict[str, Any], neighbours: int) -> ClinicalAlignment:
        """The judge's calibrated CAS.

        Raises:
            CraftError: if the calibration was fitted on other features than these.
        """
        values = dict(calibration[ref.name])
        fitted_on = values.pop(FITTED_ON, None)
        if fitted_on is None:
            log.warning(
                "the calibration of %s does not say which features it was fitted on, so that this is not checked;"
                " `snakemake --forcerun calibrate_cas` writes it anew",
                ref.name,
            )
        elif fitted_on != self.digest(ref):
            raise CraftError(
                f"the calibration of evaluator {ref.name!r} was fitted on other data than {self.path}, its images or"
                " its knowledge; run `snakemake --forcerun calibrate_cas`"
            )
        maps = {name: read_map(numbers, self.labels, ref.name) for name, numbers in values.items()}
        return ClinicalAlignment(self.raw_scores(ref, neighbours), maps)


def calibration_to_json(
    maps: dict[str, dict[str, Logistic]], labels: Sequence[str], fitted_on: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Calibration of all evaluators as plain values.

    Args:
        maps: evaluator -> dimension -> map.
        labels: names of the labels, in the order of the maps' intercepts.
        fitted_on: evaluator -> digest (`Features.digest`) of what it was fitted on.
    """

    def plain(fitted: Logistic) -> dict[str, Any]:
        return asdict(fitted) | {INTERCEPTS: dict(zip(labels, fitted.intercepts, strict=True))}

    return {
        name: {key: plain(value) for key, value in values.items()}
        | ({FITTED_ON: fitted_on[name]} if name in fitted_on else {})
        for name, values in maps.items()
    }


def foreign_features(
    paths: list[Path], ref: EvaluatorRef, split: Literal["calibration", "test"], most: int = 100
) -> ImageFeatures | None:
    """What a judge saw in images of other modalities, evenly spaced, at most `most` from each feature file.

    Args:
        paths: feature files; None is returned where there are none.
        ref: the judge.
        split: calibration images, which fit, or test images, on which numbers rest.
        most: how many from each file.

    Raises:
        CraftError: if a file does not say which split its images belong to.
    """
    parts = []
    for path in paths:
        with open_tensors(path, AGAIN) as file:
            names = list(file.keys())
            if IMAGE_SPLITS not in names:
                raise CraftError(f"{path} has no {IMAGE_SPLITS!r}; {AGAIN}")
            places = np.flatnonzero(np.array(unpack_ids(file.get_tensor(IMAGE_SPLITS))) == split)
            places = places[:: max(1, -(-len(places) // most))]
            tensors = (file.get_tensor(f"{name}/images")[places] for name in (ref.name, ref.encoder.name))
            parts.append(ImageFeatures(*tensors))
    return ImageFeatures.join(parts) if parts else None
