"""A set that a person refuses must fail: fundus phantoms without disc and vessels, their label signs exaggerated.

An image-text evaluator that reads labels alone praises it; the encoder beside it, which never met a phantom, must not.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from anatomies import without

from craft.core.images import image_row, read_images, to_tensor, write_images
from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.statistics.tails import tail_threshold
from craft.knowledge.schema import Knowledge
from craft.pipeline.config import validate_config
from craft.pipeline.models import evaluator_refs
from craft.reward.calibration import calibrate
from craft.reward.cas import ClinicalAlignment
from craft.reward.combination import combine
from craft.reward.damage import blur
from craft.reward.dimensions import DIMENSIONS
from craft.reward.features import Features, compute_features, write_features
from craft.reward.judge import Judge
from craft.training.guard import Monitor, find_faults, measure_appearance, measure_images
from craft.training.settings import GuardSettings

ROOT = Path(__file__).parents[3]
CONFIG = validate_config(yaml.safe_load((ROOT / "config.yaml").read_text()))
SIZE, SPLITS = 64, {"reference": 24, "calibration": 24, "test": 24, "held_out_reference": 24}


def render(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Fundus phantoms, `count` of every label, and their labels."""
    modality = find_modality("fundus")
    labels = [label for label in modality.labels for _ in range(count)]
    images = [make_phantom(modality, label, SIZE, seed, index % count).image for index, label in enumerate(labels)]
    return np.stack(images), labels


@pytest.fixture(scope="module")
def control() -> tuple[torch.Tensor, list[str]]:
    with without("fundus", "vessels", "disc", more_lesions=4):
        images, labels = render(16, seed=4242)
    return to_tensor(images), labels


def look(folder: Path, role: str) -> tuple[Judge, Features, ClinicalAlignment, object]:
    """A released judge, what it saw of fresh phantoms, and its calibrated CAS."""
    (ref,) = evaluator_refs(CONFIG, role)
    judge, rows = Judge.load(ref), []
    for number, (split, count) in enumerate(SPLITS.items()):
        images, labels = render(count, seed=7000 + number)
        rows += [
            image_row(image, label=label, split=split, origin="phantom")
            for image, label in zip(images, labels, strict=True)
        ]
    write_images(folder / "images.parquet", rows)
    frame, bank = read_images(folder / "images.parquet"), Knowledge.load(ROOT / "data/knowledge/fundus.yaml")
    knowledge = bank.model_copy(
        update={"labels": {label: bank.labels[label] for label in find_modality("fundus").labels}}
    )
    write_features(folder / "features.safetensors", frame, compute_features(judge, [frame], knowledge, ref))
    known = Features(folder / "features.safetensors", frame, knowledge)
    raw = known.raw_scores(ref, 5)
    maps = calibrate(raw, *known.split(ref, "calibration"), known.damaged(ref))
    return judge, known, ClinicalAlignment(raw, maps), ref


@torch.inference_mode()
def test_the_control_stands_below_real_images_under_what_is_held_out(control, tmp_path):
    judge, known, alignment, ref = look(tmp_path, "held_out")
    images, labels = control
    numbers = torch.tensor([known.labels.index(label) for label in labels])
    real = alignment(*known.split(ref, "test")).numpy()
    found = alignment(judge.embed(images), numbers).numpy()
    real_cas, control_cas = combine(real), combine(found)
    assert control_cas.mean() < 0.5 * real_cas.mean()
    assert (control_cas < tail_threshold(real_cas, 0.1, None)).mean() > 0.5
    # it is the encoder that sees it: the label scores alone let it pass
    others = [index for index, name in enumerate(DIMENSIONS) if not DIMENSIONS[name].gate]
    assert found[:, others].mean() > 0.5 * real[:, others].mean()
    assert found.mean() > control_cas.mean()


@torch.inference_mode()
def test_the_guard_would_stop_a_generator_that_comes_to_draw_the_control(control, tmp_path):
    judge, known, alignment, ref = look(tmp_path, "monitor")
    real, numbers = known.split(ref, "calibration")
    pixels = to_tensor(render(SPLITS["calibration"], seed=7001)[0])
    monitor = Monitor.of(judge, alignment, measure_appearance(pixels), real, numbers)
    # the start is a weak generator: the same eyes without any detail
    weak = blur(pixels, torch.Generator(), 4)
    start = measure_images(alignment, judge.embed(weak), numbers) | {"shift": 0.0}
    images, labels = control
    chosen = torch.tensor([known.labels.index(label) for label in labels])
    row = measure_images(alignment, judge.embed(images), chosen) | {"shift": 0.0}
    assert not find_faults(start, start, monitor.real, GuardSettings())
    assert find_faults(row, start, monitor.real, GuardSettings())
