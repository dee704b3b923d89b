"""How well the computed biomarkers tell what they are named after, on phantoms of known attributes and on real images.

Parts: `phantoms` (checklist items that name a biomarker, against the drawn attributes), `speed`, and `images` (the
labels of real sets under $CRAFT_DATA). `--part` and `--modality` choose some of them; what was not measured anew stays
in the result file. `--pictures FOLDER` only draws the segmentations over real images.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from common import RESULTS, Metric, describe_device, record, report

from craft.core.cli import run
from craft.core.reading import read_json

KNOWLEDGE = Path(__file__).parents[1] / "data/knowledge"
MODALITIES = ("dermoscopy", "chest_xray", "fundus", "histopathology")
PARTS = ("phantoms", "speed", "images")
SIZE = 64  # side of a phantom of the default run, pixels
SECONDS = 60.0  # for 1000 images, on two processes


def main(
    part: Annotated[list[str], typer.Option(help="phantoms, speed or images; repeat for several")] = PARTS,
    modality: Annotated[list[str], typer.Option(help="repeat for several")] = MODALITIES,
    phantoms: Annotated[int, typer.Option(help="phantoms of a label, both to calibrate and to test")] = 150,
    limit: Annotated[int | None, typer.Option(help="most real images of a label")] = None,
    pictures: Annotated[Path | None, typer.Option(help="draw segmentations of real images to this folder")] = None,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Measure the biomarkers, or draw their segmentations."""
    from biomarker_images import MEASURED, draw_pictures
    from biomarker_phantoms import judge_items

    from craft.datasets.readers.base import data_root

    if pictures:
        for name in modality:
            typer.echo(draw_pictures(name, data_root(), pictures))
        return
    metrics = []
    for name in modality:
        found = judge_items(name, KNOWLEDGE / f"{name}.yaml", phantoms, SIZE) if "phantoms" in part else []
        found += [time_modality(name)] if "speed" in part else []
        found += MEASURED[name](data_root(), limit) if "images" in part else []
        report(found)
        metrics += found
    path = output / "biomarkers.json"
    anew = {metric.metric for metric in metrics}
    kept = [Metric(**entry) for entry in read_json(path)["metrics"]] if path.is_file() else []
    metrics += [metric for metric in kept if metric.metric not in anew]
    record("biomarkers", "python benchmarks/biomarkers.py", describe_device("cpu"), metrics, output)


def time_modality(name: str, count: int = 60) -> Metric:
    """CPU seconds of 1000 phantoms of 64 px on one thread, from `count` of them."""
    from craft.datasets.phantoms.base import make_phantom
    from craft.datasets.phantoms.registry import find_modality
    from craft.evaluation.biomarkers.registry import find_biomarkers

    drawing, measure = find_modality(name), find_biomarkers(name).measure
    labels = drawing.labels
    images = [make_phantom(drawing, labels[k % len(labels)], SIZE, 5003, k).image for k in range(count)]
    measure(images[0])
    start = time.process_time()
    for image in images:
        measure(image)
    seconds = 1000 * (time.process_time() - start) / count
    conditions = f"CPU seconds of one process, {SIZE} px phantoms, from {count} of them; the goal is for one core"
    return Metric(f"seconds_per_1000_images_{name}", seconds, "s", "lower", SECONDS, conditions)


if __name__ == "__main__":
    run(main)
