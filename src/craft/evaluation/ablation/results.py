"""The files that the table of an ablation is made of."""

from pathlib import Path

from craft.evaluation.cost.results import HISTORY, SAMPLING
from craft.evaluation.results import Results, set_file
from craft.evaluation.scoring.results import SCORES

# features of the images of a set, written beside their scores
FEATURES = "features.safetensors"


def files_read(results: Results) -> list[Path]:
    """Scores, features and costs of the method and its variants, and the histories of all trainings behind them.

    Args:
        results: of a run whose settings are an `AblationJob`.
    """
    job = results.run
    files = [path for dataset in job.datasets for file in (SCORES, SAMPLING) for path in results.paths(file, dataset)]
    trained = dict.fromkeys(name for line in job.trainings.values() for name in line)
    for dataset in job.datasets:
        for seed in job.seeds:
            files += [results.folder / set_file(dataset, method, seed, FEATURES) for method in job.methods]
            files += [results.folder / set_file(dataset, method, seed, HISTORY.name) for method in trained]
    return files
