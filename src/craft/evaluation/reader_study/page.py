"""The page of a reader study, which holds nothing that tells a method, and the key that does."""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from craft.core.images import decode_images, read_images
from craft.core.seeds import numpy_generator
from craft.core.settings import REAL, match_files
from craft.evaluation.reader_study.pairs import SIDES, SOURCE, Pair, draw_pairs
from craft.evaluation.reader_study.settings import ReaderStudyJob
from craft.knowledge.schema import Knowledge, LabelKnowledge

# bytes of an empty chunk of a PNG file: its length, its name and its checksum
CHUNK = 12
# squares on a side of a damaged image, every other one of which is noise
SQUARES = 6


def make_study(job: ReaderStudyJob, tables: list[Path], knowledge: list[Path]) -> tuple[str, dict[str, Any]]:
    """The page and the key of a study.

    Args:
        job: what is to be shown.
        tables: image tables, in the order of `job.images`.
        knowledge: knowledge files, in the order of `job.datasets`.

    Returns:
        HTML that refers to nothing outside itself, and what its pairs are.

    Raises:
        CraftError: if a file is missing or broken, images are too few, or of different sizes.
    """
    images = read_candidates(job, tables)
    pairs = draw_pairs(job, images)
    known = {
        dataset: Knowledge.load(path).select(shown.labels, path).labels
        for (dataset, shown), path in zip(job.datasets.items(), knowledge, strict=True)
    }
    shown = show_pairs(job, pairs, known, draw_images(pairs, images, job.study.seed))
    shown["study"] = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]
    return render_page(shown), make_key(job, shown["study"], pairs, images)


def read_candidates(job: ReaderStudyJob, tables: list[Path]) -> pd.DataFrame:
    """The rows of all image tables under each other, with the method and seed that they are of."""
    frames = []
    for each, path in match_files(job.images, tables, "--images"):
        frame = read_images(path, "test" if each.method == REAL else None)[["image_id", "image", "label"]]
        frames.append(frame.assign(dataset=each.dataset, method=each.method, seed=each.seed))
    return pd.concat(frames, ignore_index=True)


def draw_images(pairs: Sequence[Pair], images: pd.DataFrame, seed: int) -> dict[tuple[int, bool], str]:
    """Every shown image as a data URI, by its row and whether it is damaged; all PNG files are equally long.

    Raises:
        CraftError: if the images of a dataset are of different sizes.
    """
    rng, pixels = numpy_generator("reader_study", "damage", seed), {}
    for dataset in dict.fromkeys(pair.dataset for pair in pairs):
        rows = sorted({row for pair in pairs if pair.dataset == dataset for row in (pair.left, pair.right)})
        pixels |= dict(zip(rows, decode_images(images.loc[rows]), strict=True))
    shown = {}
    for pair in pairs:
        for side in SIDES:
            row, damaged = getattr(pair, side), pair.damaged == side
            shown[row, damaged] = damage(pixels[row], rng) if damaged else pixels[row]
    length = max(len(encode(image)) for image in shown.values()) + CHUNK
    files = {key: base64.b64encode(pad(image, length)).decode() for key, image in shown.items()}
    return {key: f"data:image/png;base64,{file}" for key, file in files.items()}


def damage(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An image (h, w, 3) that nobody who looks takes for sound: every other square of a board is noise."""
    places = [np.arange(side) * SQUARES // side for side in image.shape[:2]]
    noisy = (places[0][:, None] + places[1][None, :]) % 2 == 0
    return np.where(noisy[..., None], rng.integers(0, 256, image.shape, dtype=np.uint8), image)


def encode(image: np.ndarray, padding: int | None = None) -> bytes:
    """PNG bytes of an image (h, w, 3), with a private chunk of so many zeros where that is given."""
    buffer, extra = io.BytesIO(), PngInfo()
    if padding is not None:
        extra.add(b"paDd", bytes(padding))
    Image.fromarray(image).save(buffer, format="PNG", pnginfo=extra, compress_level=9)
    return buffer.getvalue()


def pad(image: np.ndarray, length: int) -> bytes:
    """PNG bytes of exactly this length."""
    return encode(image, length - CHUNK - len(encode(image)))


def show_pairs(
    job: ReaderStudyJob,
    pairs: Sequence[Pair],
    known: dict[str, dict[str, LabelKnowledge]],
    drawn: dict[tuple[int, bool], str],
) -> dict[str, Any]:
    """All that the page knows, as JSON has it."""
    sources = list(dict.fromkeys(drawn.values()))
    # as files, images stand in an order of their own
    sources.sort(key=lambda source: hashlib.sha256(source.encode()).digest())
    entries = [
        {
            "id": pair.pair,
            "dataset": pair.dataset,
            "label": pair.label,
            **{side: sources.index(drawn[getattr(pair, side), pair.damaged == side]) for side in SIDES},
        }
        for pair in pairs
    ]
    labels = {
        dataset: {label: describe(texts, job.study.checklist_items) for label, texts in of.items()}
        for dataset, of in known.items()
    }
    words = {dataset: shown.modality.replace("_", " ") for dataset, shown in job.datasets.items()}
    settings = {"realism": job.study.realism, "notice": job.notice, "modalities": words}
    return settings | {"labels": labels, "pairs": entries, "images": sources}


def describe(known: LabelKnowledge, items: int) -> dict[str, Any]:
    """What a reader is told of a label, and the signs that are asked for."""
    heaviest = sorted(known.checklist, key=lambda item: -item.weight)[:items]
    return {"name": known.name, "definition": known.definition, "items": [item.present for item in heaviest]}


def render_page(shown: dict[str, Any]) -> str:
    """The page as HTML."""
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("craft.evaluation.reader_study"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return templates.get_template("page.html.j2").render(shown=shown)


def make_key(job: ReaderStudyJob, study: str, pairs: Sequence[Pair], images: pd.DataFrame) -> dict[str, Any]:
    """What every pair of a study is."""
    sources = images[list(SOURCE)].to_dict("index")
    entries = [
        {name: getattr(pair, name) for name in ("pair", "kind", "dataset", "label", "repeats", "damaged")}
        | {side: sources[getattr(pair, side)] for side in SIDES}
        for pair in pairs
    ]
    key = {"study": study, "of": job.study.of, "against": job.study.against, "seed": job.study.seed}
    return key | {"realism": job.study.realism, "notice": job.notice, "pairs": entries}
