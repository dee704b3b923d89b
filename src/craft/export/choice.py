"""Which image set of a finished run is exported, and what the run knows of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from craft.core.errors import CraftError
from craft.core.reading import reading
from craft.core.settings import REAL
from craft.evaluation.results import Results, require_file, set_file
from craft.evaluation.tables import ALL
from craft.models.provenance import count_origins, read_start
from craft.reward.dimensions import DIMENSIONS
from craft.training.settings import GenerationJob, MethodJob

SAMPLING = "generate_images"
METRICS = ("cas", *DIMENSIONS, "tail_rate")


@dataclass(frozen=True)
class Exported:
    """One method of one dataset and seed in a finished run.

    Attributes:
        results: the run.
        dataset, method, seed: whose images.
    """

    results: Results
    dataset: str
    method: str
    seed: int

    @classmethod
    def find(cls, folder: Path, method: str, dataset: str | None, seed: int | None) -> Self:
        """Look an image set up in a results folder; where a run has one dataset or seed only, that may be left out.

        Raises:
            CraftError: if the folder holds no run, or the run no such dataset, method or seed.
        """
        results = Results.load(folder)
        run = results.run
        chosen = {
            "dataset": choose("dataset", dataset, list(run.datasets)),
            "method": choose("method", method, list(run.methods)),
            "seed": choose("seed", seed, list(run.seeds)),
        }
        return cls(results, **chosen)

    def path(self, name: str) -> Path:
        """A file of the image set.

        Raises:
            CraftError: if it is not there.
        """
        return require_file(self.results.folder / set_file(self.dataset, self.method, self.seed, name))

    @property
    def name(self) -> str:
        """What it is called in cards and messages."""
        return f"{self.dataset}/{self.method}/seed{self.seed}"

    def job(self) -> GenerationJob:
        """How the images were sampled.

        Raises:
            CraftError: if another program made them.
        """
        if self.method in self.results.run.given:
            raise CraftError(f"another program made the images of {self.method!r}: there is no generator to export")
        return GenerationJob.load(self.path(f"settings/{SAMPLING}.yaml"))

    def start(self) -> dict | str:
        """What is known of the foundation: its provenance, or its name without the folders of this machine."""
        path = self.job().foundation.path
        found = read_start(path)
        return Path(path).name if found == path and Path(path).exists() else found

    def trainings(self) -> dict[str, dict[str, Any]]:
        """Settings of every training that made the generator, by method, its own first."""
        folder = self.results.folder / self.dataset
        found = {}
        for method in self.results.run.trainings.get(self.method, []):
            settings = folder / method / f"seed{self.seed}" / "settings"
            for path in (path for path in sorted(settings.glob("*.yaml")) if path.stem != SAMPLING):
                found[method] = MethodJob.load(path).training.model_dump(mode="json")
        return found

    def origins(self) -> dict[str, int]:
        """Numbers of the dataset's training images by their origin."""
        return count_origins([require_file(self.results.folder / self.dataset / "images.parquet")])

    def scores(self) -> pd.DataFrame:
        """Held-out CAS, its dimensions and the tail of the method and of real test images, with 95 % intervals.

        One row for every evaluator and metric; columns evaluator, metric, value, low, high, real.

        Raises:
            CraftError: if the run's tables were not made.
        """
        frame = pd.concat([self.table("cas"), self.table("tail")], ignore_index=True)
        own = frame[(frame["dataset"] == self.dataset) & (frame["label"] == ALL) & (frame["role"] == "held_out")]
        keys = ["evaluator", "metric"]
        real = own[own["method"] == REAL].set_index(keys)["value"].rename("real")
        shown = own[own["method"] == self.method][[*keys, "value", "low", "high"]]
        return shown[shown["metric"].isin(METRICS)].join(real, on=keys).reset_index(drop=True)

    def table(self, name: str) -> pd.DataFrame:
        """A collected table of the run; a CraftError if it is not there or no table."""
        path = require_file(self.results.folder / "tables" / f"{name}.csv")
        with reading(path, "a table of the run", "run `snakemake --forcerun collect_tables`"):
            return pd.read_csv(path)


def choose(what: str, wanted: str | int | None, known: list) -> str | int:
    """The one that is wanted, or the only one there is; a CraftError that lists all otherwise."""
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted not in known:
        asked = f"has no {what} {wanted!r}" if wanted is not None else f"has several {what}s"
        how = "" if what == "method" else f" with `--{what}`"
        raise CraftError(f"the run {asked}; name one of {', '.join(map(str, known))}{how}")
    return wanted
