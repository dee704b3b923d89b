"""The folder of the gallery: the page, its data as a script, and every image as a PNG file of its own."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from craft.core.files import atomic_path
from craft.core.images import stream_images
from craft.core.settings import REAL, ImageSet
from craft.evaluation.gallery.records import SCORE_NAMES, checklists_of, held_out_evaluator, image_records
from craft.evaluation.gallery.results import image_table, knowledge_of
from craft.evaluation.memorization.results import NEIGHBOURS
from craft.evaluation.reporting.figures import name_method, spell
from craft.evaluation.results import Results
from craft.knowledge.schema import Knowledge

PAGE = Path(__file__).parent / "page"
SCORE_TITLES = {"cas": "CAS"}


def write_gallery(results: Results, folder: Path) -> int:
    """Write the gallery of a run, and return how many images it shows.

    Args:
        results: of a run whose settings are a `GalleryJob`.
        folder: of `index.html`, which opens without a server and asks for nothing outside the folder.

    Raises:
        CraftError: if a file of the run is missing or broken.
    """
    records: list[dict[str, Any]] = []
    with atomic_path(folder) as staged:
        shutil.copytree(PAGE, staged)
        for dataset in results.run.datasets:
            for image_set, found in image_records(results, dataset):
                records += show_images(results, dataset, image_set, found, staged)
            show_neighbours(results, dataset, records, staged)
        (staged / "data.js").write_text(as_script(describe(results, records)), encoding="utf-8")
    return len(records)


def show_images(
    results: Results, dataset: str, image_set: ImageSet, records: list[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """Write the images of one image set below a folder; returns their records, each with its `file`."""
    place = f"images/{dataset}/{image_set.method}/seed{image_set.seed}"
    files = [f"{place}/{record['number']:06d}.png" for record in records]
    split = "test" if image_set.method == REAL else None
    frames = stream_images(image_table(results, dataset, image_set), split)
    write_pngs(folder, zip(files, (cell for frame in frames for cell in frame["image"]), strict=True))
    return [record | {"file": file} for record, file in zip(records, files, strict=True)]


def show_neighbours(results: Results, dataset: str, records: list[dict[str, Any]], folder: Path) -> None:
    """Take the neighbours' ids out of the records of a dataset; where they may be shown, put their pictures there."""
    found = [record["nearest"] for record in records if record["dataset"] == dataset and record["nearest"]]
    wanted = [nearest.pop("neighbour") for nearest in found]
    if dataset not in results.run.shown:
        return
    files = {name: f"images/{dataset}/seen/{place:06d}.png" for place, name in enumerate(dict.fromkeys(wanted))}
    for frame in stream_images(image_table(results, dataset)):
        rows = frame[frame["image_id"].isin(files)]
        write_pngs(folder, zip(rows["image_id"].map(files), rows["image"], strict=True))
    for nearest, name in zip(found, wanted, strict=True):
        nearest["file"] = files[name]


def write_pngs(folder: Path, images: Iterable[tuple[str, Mapping[str, bytes]]]) -> None:
    """Write cells of image tables, which are PNG files already, by their paths below a folder."""
    for file, cell in images:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cell["bytes"])


def describe(results: Results, records: list[dict[str, Any]]) -> dict[str, Any]:
    """All that the page says, as plain values; a prompt that many images share stands there once."""
    run, prompts = results.run, {prompt: place for place, prompt in enumerate({each["prompt"]: 0 for each in records})}
    datasets = {}
    for dataset in run.datasets:
        known, items = Knowledge.load(knowledge_of(results, dataset)).labels, checklists_of(results, dataset)
        labels = {label: {"name": known[label].name, "items": items.get(label, [])} for label in run.datasets[dataset]}
        datasets[dataset] = {"name": spell(dataset), "modality": spell(run.modalities[dataset]), "labels": labels}
    return {
        "notice": run.notice,
        "evaluator": held_out_evaluator(results),
        "features": results.read(NEIGHBOURS)["evaluator"].iloc[0],
        "scores": [SCORE_TITLES.get(name, spell(name)) for name in SCORE_NAMES],
        "datasets": datasets,
        "methods": {name: name_method(name) for name in (*run.controls, *run.methods)},
        "prompts": list(prompts),
        "images": [record | {"prompt": prompts[record["prompt"]]} for record in records],
    }


def as_script(data: dict[str, Any]) -> str:
    """Data as a script that sets `GALLERY`; no text in it can end the script or begin markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return f"const GALLERY = {text.replace('<', chr(92) + 'u003c')};\n"
