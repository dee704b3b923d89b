"""What the answers of the checklist are made of: the settings of a run, its tables, and where they were made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from craft.core.reading import reading
from craft.datasets.report import COUNTS
from craft.evaluation.checklist.settings import ChecklistJob
from craft.evaluation.results import require_columns, require_file
from craft.evaluation.tables import ALL
from craft.models.provenance import PHANTOM

LEFT_OUT = ("reason", "value", "count")
# tables below `tables/` that the answers quote
QUOTED = ("cas", "tail", "validity", "cost")


@dataclass(frozen=True)
class Facts:
    """What is known of a finished run.

    Attributes:
        job: its settings.
        counts: images of every dataset by label and split, columns `COUNTS`.
        left_out: what no image was made of, columns `LEFT_OUT`.
        tables: those of `QUOTED`.
        commit: of the code.
        machine: on which the checklist was written.
        versions: of the main libraries.
    """

    job: ChecklistJob
    counts: dict[str, pd.DataFrame]
    left_out: dict[str, pd.DataFrame]
    tables: dict[str, pd.DataFrame]
    commit: str
    machine: str
    versions: dict[str, str]

    @classmethod
    def load(cls, job: ChecklistJob, results: Path, commit: str, machine: str, versions: dict[str, str]) -> Self:
        """Read what a run left in its results folder.

        Raises:
            CraftError: if a table is missing or damaged.
        """
        return cls(
            job=job,
            counts={name: read_table(results / name / "counts.csv", COUNTS) for name in job.datasets},
            left_out={name: read_table(results / name / "left_out.csv", LEFT_OUT) for name in job.datasets},
            tables={name: read_table(results / f"tables/{name}.csv") for name in QUOTED},
            commit=commit,
            machine=machine,
            versions=versions,
        )

    @property
    def phantoms(self) -> bool:
        """Whether all images that play the part of real ones were rendered."""
        return all(map(self.is_phantom, self.job.data))

    def is_phantom(self, dataset: str) -> bool:
        """Whether the images of a dataset were rendered."""
        return self.job.data[dataset].reader == PHANTOM

    def images(self, dataset: str, split: str | None = None) -> int:
        """Number of real images of a dataset, in one split or in all."""
        frame = self.counts[dataset]
        return int(frame["images"][frame["split"] == split if split else slice(None)].sum())

    def of_datasets(self, describe: Callable[[str], str]) -> str:
        """A list with a line for each dataset."""
        return "\n\n" + "\n".join(f"- {name}: {describe(name)}" for name in self.job.datasets)

    def held_out(self, table: str, dataset: str, metric: str) -> pd.DataFrame:
        """Rows of a table under the first held-out evaluator, labels taken together, in the order of the table."""
        frame = self.tables[table]
        chosen = frame[(frame["dataset"] == dataset) & (frame["label"] == ALL) & (frame["role"] == "held_out")]
        chosen = chosen[chosen["metric"] == metric]
        return chosen[chosen["evaluator"] == chosen["evaluator"].iloc[0]] if len(chosen) else chosen

    def judges(self, role: str) -> str:
        """Names of the evaluators of a role."""
        return join(judge.name for judge in self.job.judges if judge.kind == "evaluator" and judge.role == role)


def read_table(path: Path, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """A CSV file of a run; a label may be called `null`, which is none of a missing value."""
    with reading(require_file(path), "a table of the run", "run `snakemake` again"):
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    require_columns(frame, columns, path)
    return frame


def join(words: Iterable[str]) -> str:
    """Names in a row."""
    return ", ".join(f"`{word}`" for word in words)
