"""The files that the gallery is made of."""

from pathlib import Path

from craft.core.settings import REAL, ImageSet
from craft.evaluation.auditing.results import ANSWERS
from craft.evaluation.memorization.results import NEIGHBOURS
from craft.evaluation.results import Results, set_file
from craft.evaluation.scoring.results import SCORES

IMAGES, KNOWLEDGE = "images.parquet", "knowledge.yaml"


def files_shown(results: Results) -> list[Path]:
    """Images, scores, answers, nearest seen images and label names of a run."""
    files = []
    for dataset in results.run.datasets:
        files += [image_table(results, dataset), knowledge_of(results, dataset)]
        files += [path for file in (SCORES, ANSWERS, NEIGHBOURS) for path in results.paths(file, dataset)]
        files += [image_table(results, dataset, each) for each in results.image_sets() if each.method != REAL]
    return files


def image_table(results: Results, dataset: str, image_set: ImageSet | None = None) -> Path:
    """The image table of one image set; without one that of the dataset, which holds the real test images too."""
    if image_set is None or image_set.method == REAL:
        return results.folder / dataset / IMAGES
    return results.folder / set_file(dataset, image_set.method, image_set.seed, IMAGES)


def knowledge_of(results: Results, dataset: str) -> Path:
    """The knowledge file of a dataset."""
    return results.folder / dataset / KNOWLEDGE
