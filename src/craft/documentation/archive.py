"""The archive: the tables of one run as the repository keeps them, and where they come from.

The generated pages are made of it alone, so that they can be made, and tested, without the run.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd
from pydantic import Field

from craft.core.errors import CraftError
from craft.core.files import ROOT, write_csv, write_json
from craft.core.origin import describe_machine, read_commit
from craft.core.reading import read_json
from craft.core.settings import Strict
from craft.documentation.provenance import JOB_COLUMNS, date_of, measure_jobs
from craft.evaluation.reporting.findings import collect_findings
from craft.evaluation.reporting.histories import KEPT_COLUMNS, pair_trainings, read_kept_states
from craft.evaluation.results import SETTINGS, Results, require_columns, require_file, set_file
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES
from craft.pipeline.config import Config
from craft.pipeline.jobs import resolve_jobs

ARCHIVE = ROOT / "docs/results"
FACTS, KEPT, JOBS = "run.json", "kept.csv", "jobs.csv"
# names files of the results folder, which is not part of the repository
LEFT_OUT = "source"


class RunFacts(Strict):
    """Where an archived run comes from."""

    commit: str = Field(description="of the code that made it")
    date: str = Field(description="day on which its tables were collected, UTC")
    machine: str = Field(description="that it ran on")
    configuration: str = Field(description="its configuration file")
    notice: str = Field(description="what plays the part of real images")
    run: Run = Field(description="datasets with their labels, methods, seeds, and how numbers are resampled")


@dataclass(frozen=True)
class Archive:
    """An archived run.

    Attributes:
        facts: where it comes from.
        tables: its tables by name, in the order of their registry, without the column `LEFT_OUT`.
        kept: the states that its reward methods kept, columns `KEPT_COLUMNS`.
        jobs: what its jobs took, columns `JOB_COLUMNS`.
    """

    facts: RunFacts
    tables: dict[str, pd.DataFrame]
    kept: pd.DataFrame
    jobs: pd.DataFrame

    @classmethod
    def load(cls, folder: Path = ARCHIVE) -> Self:
        """Read an archive.

        Raises:
            CraftError: if a file is missing or lacks a column.
        """
        if not (folder / FACTS).is_file():
            raise CraftError(f"no archived run in {folder}: run `craft docs --results <results folder>`")
        # a table that is younger than the run is none of it
        files = {name: folder / f"{name}.csv" for name in TABLES if (folder / f"{name}.csv").is_file()}
        tables = {name: read_table(path, archived(TABLES[name].columns)) for name, path in files.items()}
        kept, jobs = read_table(folder / KEPT, KEPT_COLUMNS), read_table(folder / JOBS, JOB_COLUMNS)
        return cls(RunFacts.model_validate(read_json(folder / FACTS)), tables, kept, jobs)

    @property
    def run(self) -> Run:
        """What the run consists of."""
        return self.facts.run

    @cached_property
    def findings(self) -> dict[str, Any]:
        """What the run finds (`craft.evaluation.reporting.findings`)."""
        return collect_findings(self.tables, self.kept, self.run)


def archived(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a table that the archive keeps."""
    return tuple(name for name in columns if name != LEFT_OUT)


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table with at least these columns; a label may be called `null`, which is none of a missing value."""
    frame = pd.read_csv(require_file(path), keep_default_na=False, na_values=[""])
    require_columns(frame, columns, path)
    return frame


def archive_run(results: Path, config: Config, facts: dict[str, str], folder: Path = ARCHIVE) -> None:
    """Archive the tables of a finished run.

    Args:
        results: its results folder.
        config: its configuration.
        facts: `configuration`, its file; `commit` and `machine` where they are not those of here and now.
        folder: the archive.

    Raises:
        CraftError: if the run is not finished or is one of another configuration.
    """
    run = require_same_run(Results.load(results), config)
    for name, table in TABLES.items():
        # as text, so that no digit changes
        frame = pd.read_csv(require_file(results / f"tables/{name}.csv"), dtype=str, keep_default_na=False)
        require_columns(frame, table.columns, results / f"tables/{name}.csv")
        write_csv(folder / f"{name}.csv", frame[list(archived(table.columns))])
    write_csv(folder / KEPT, read_kept(results, config))
    write_csv(folder / JOBS, measure_jobs(results / "benchmarks"))
    known = {"commit": read_commit(), "machine": describe_machine(), "date": date_of(results / "tables/cas.csv")}
    found = RunFacts(**(known | facts), notice=config.notice, run=run)
    write_json(folder / FACTS, found.model_dump(mode="json", exclude={"run": {"modules"}}))


def require_same_run(results: Results, config: Config) -> Run:
    """What the run of a results folder consists of, without the modules that its job looked up.

    Raises:
        CraftError: if the configuration says something else.
    """
    configured = resolve_jobs(config)[SETTINGS]
    for name in Run.model_fields.keys() - {"modules"}:
        if getattr(results.run, name) != getattr(configured, name):
            raise CraftError(
                f"{results.folder} holds a run of another configuration, their {name} differ: give the run's own file"
                " with `--config`"
            )
    return results.run.model_copy(update={"modules": []})


def read_kept(results: Path, config: Config) -> pd.DataFrame:
    """The states that the reward methods of a run kept."""
    folders = [
        (results / set_file(dataset, name, seed, ""), method.rule)
        for name, method in config.methods.items()
        for dataset in config.datasets
        for seed in config.seeds
        if method.rewarded
    ]
    settings = [folder / f"settings/{rule}.yaml" for folder, rule in folders]
    return read_kept_states(pair_trainings(settings, [folder / "history.parquet" for folder, _ in folders]))
