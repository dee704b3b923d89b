"""A small reader study of simple images, and readers who answer it by a rule; no answer here is a physician's."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from fake_results import make_rows

from craft.core.files import write_json, write_text
from craft.core.images import decode_images, image_row, write_images
from craft.core.settings import REAL
from craft.evaluation.reader_study.page import make_study
from craft.evaluation.reader_study.settings import ReaderStudyJob, ReaderStudySettings, ShownDataset, ShownImages
from craft.knowledge.schema import Knowledge

LABELS = {"chest": ["normal", "effusion"], "skin": ["naevus", "melanoma"]}
NOTICE = "Discs play the part of real images."
# (pair of the key, number of the pair) -> side that is preferred, or "none"
Rule = Callable[[dict, int], str]


def make_job(**changes) -> ReaderStudyJob:
    """Settings of a study of all labels; two seeds of every method."""
    study = ReaderStudySettings(**{"against": ["lora"], "pairs_per_label": 3, "repeats": 4, **changes})
    images = [
        ShownImages(dataset=dataset, method=method, seed=seed)
        for dataset in LABELS
        for method in study.methods
        for seed in ([0] if method == REAL else [0, 1])
    ]
    datasets = {name: ShownDataset(modality=f"{name}_image", labels=labels) for name, labels in LABELS.items()}
    return ReaderStudyJob(study=study, datasets=datasets, images=images, notice=NOTICE)


def write_inputs(folder: Path, job: ReaderStudyJob, per_label: int = 8) -> tuple[list[Path], list[Path]]:
    """Image tables, of which those of a method named `lora` are far noisier, and knowledge."""
    rng, tables, knowledge = np.random.default_rng(0), [], []
    for number, each in enumerate(job.images):
        rows = make_rows(rng, LABELS[each.dataset], "test" if each.method == REAL else "generated", per_label)
        if each.method == "lora":
            rows = roughen(rng, rows)
        rows = [row | {"image_id": f"{place:06d}"} for place, row in enumerate(rows)]
        tables.append(folder / f"{number}.parquet")
        write_images(tables[-1], rows)
    for dataset, labels in LABELS.items():
        knowledge.append(folder / f"{dataset}.yaml")
        write_text(knowledge[-1], make_knowledge(dataset, labels).to_yaml())
    return tables, knowledge


def roughen(rng: np.random.Generator, rows: list[dict]) -> list[dict]:
    """The same images under so much noise that their files are twice as large."""
    pixels = decode_images(pd.DataFrame(rows)).astype(int)
    noisy = (pixels + rng.integers(-60, 60, pixels.shape)).clip(0, 255).astype(np.uint8)
    return [
        image_row(image, label=row["label"], split=row["split"], origin="fake")
        for image, row in zip(noisy, rows, strict=True)
    ]


def make_knowledge(modality: str, labels: Sequence[str]) -> Knowledge:
    """Knowledge of some labels; what weighs most comes last."""
    known = {}
    for label in labels:
        items = [
            {
                "present": f"sign {n} of {label} is there",
                "absent": f"sign {n} of {label} is not there",
                "weight": 1.0 + n,
            }
            | {"facet": "sign", "source": "none"}
            for n in range(3)
        ]
        texts = {"definition": f"what shows {label}", "prompt": f"an image of {label}"}
        descriptions = [f"an image, number {n}, of {label}" for n in range(3)]
        known[label] = {"name": label, "checklist": items, "descriptions": descriptions, **texts}
    return Knowledge.model_validate({"modality": modality, "coarse_prompts": ["any image of it"], "labels": known})


def write_study(folder: Path, per_label: int = 8, **changes) -> dict:
    """Write `index.html` and `key.json` into a folder, and return the key."""
    job = make_job(**changes)
    page, key = make_study(job, *write_inputs(folder / "inputs", job, per_label))
    write_text(folder / "index.html", page)
    write_json(folder / "key.json", key)
    return json.loads((folder / "key.json").read_text())


def prefers(method: str) -> Rule:
    """A reader who always prefers the images of a method, and sees what is damaged."""

    def choose(pair: dict, number: int) -> str:
        if pair["damaged"]:
            return {"left": "right", "right": "left"}[pair["damaged"]]
        return "left" if pair["left"]["method"] == method else "right"

    return choose


def write_response(path: Path, key: dict, reader: str, rule: Rule, /, **changes) -> Path:
    """The file of a reader who answers by a rule; own images look real (5 against 2), the first sign is in both."""
    answers = {
        pair["pair"]: {
            "preference": rule(pair, number),
            "confidence": 4,
            "realism": {side: 5 if pair[side]["method"] == key["of"] else 2 for side in ("left", "right")},
            "items": ["both", "unsure"],
            "seconds": 3.5,
        }
        for number, pair in enumerate(key["pairs"])
    }
    head = {"format": "reader-study-answers", "version": 1, "study": key["study"], "reader": reader}
    head |= {"started": "2026-01-01T10:00:00Z", "exported": "2026-01-01T11:00:00Z", "pairs": len(key["pairs"])}
    write_json(path, head | {"answers": answers} | changes)
    return path
