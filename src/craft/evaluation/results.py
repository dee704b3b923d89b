"""The files of a run: where they lie below its results folder, and how they are read. Each room describes its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd

from craft.core.errors import CraftError
from craft.core.reading import read_frame
from craft.core.settings import REAL, ImageSet
from craft.evaluation.consistency import (
    find_lacking_evaluator,
    find_repeated_row,
    find_stranger,
    find_wrong_cell,
)
from craft.evaluation.settings import Run

SETTINGS = "tables/settings/collect_tables.yaml"

Missing = Literal["error", "skip"]
Sets = Literal["all", "sampled", "given", "trained"]


@dataclass(frozen=True)
class ResultFile:
    """A parquet table that one rule writes for every dataset, or for every image set of every dataset.

    Attributes:
        name: of the file.
        rule: that writes it, for messages.
        columns: that it has, or what lists them when they are asked for.
        check: raises a CraftError for values that cannot be; takes the table and its path.
        by_image_set: whether every method and seed has one of its own, and the controls too.
        further: whether it may have further columns, which are read as well.
        sets: of an image set's file, which image sets have one: all, those that the run sampled, those that another
            program made, or those of trained methods.
        key: columns that no two rows share; empty for tables of images, among which some may be the same.
        arms: whether `method` names what a classifier was trained on, where real images may stand beside a method's.
        every_evaluator: whether every evaluator of the run has rows in it.
    """

    name: str
    rule: str
    columns: tuple[str, ...] | Callable[[], tuple[str, ...]]
    check: Callable[[pd.DataFrame, Path], None] | None = None
    by_image_set: bool = False
    further: bool = False
    sets: Sets = "all"
    key: tuple[str, ...] = ()
    arms: bool = False
    every_evaluator: bool = False

    def column_names(self) -> tuple[str, ...]:
        """The columns, in their order."""
        return self.columns() if callable(self.columns) else self.columns

    def load(self, path: Path) -> pd.DataFrame:
        """One file of this kind in the order of its columns.

        Raises:
            CraftError: if it is missing or damaged, lacks a column, has no row, holds what its columns do not promise
                or a row twice, or its check finds a fault.
        """
        frame = read_frame(require_file(path), f"run `snakemake --forcerun {self.rule}`")
        require_columns(frame, self.column_names(), path)
        if not frame.columns.is_unique:
            self.refuse("a column stands there twice", path)
        if frame.empty:
            raise CraftError(f"{path} has no row; run `snakemake --forcerun {self.rule}`")
        names = list(self.column_names())
        frame = frame[names + [name for name in frame if self.further and name not in names]]
        further = [name for name in frame if name not in names]
        self.refuse(find_wrong_cell(frame, further) or (find_repeated_row(frame, self.key) if self.key else None), path)
        if self.check:
            self.check(frame, path)
        return frame

    def refuse(self, fault: str | None, path: Path) -> None:
        """Raise a CraftError that names a fault of one file of this kind; nothing without one."""
        if fault:
            raise CraftError(f"{path}: {fault}; run `snakemake --forcerun {self.rule}`")


class Results:
    """The results folder of a run; every table is read once.

    Attributes:
        folder: the folder.
        run: datasets with their labels, methods, seeds, and how numbers are resampled.
        readable: files that may be read; None for all.
    """

    def __init__(self, folder: Path, run: Run, readable: Sequence[ResultFile] | None = None):
        self.folder, self.run, self.readable = Path(folder), run, readable
        self._made: dict[Any, Any] = {}

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a results folder.

        Raises:
            CraftError: if it holds no run.
        """
        return cls(Path(folder), Run.load(Path(folder) / SETTINGS))

    def limited_to(self, files: Sequence[ResultFile]) -> "Results":
        """The same results, of which only these files may be read; what was read already is shared."""
        limited = Results(self.folder, self.run, files)
        limited._made = self._made
        return limited

    def read(self, file: ResultFile, missing: Missing = "error") -> pd.DataFrame:
        """The files of one kind under each other, datasets and image sets in the order of the configuration.

        Args:
            file: which.
            missing: whether a missing file is an error or is left out.

        Raises:
            CraftError: if a file is missing (unless skipped) or broken.
            ValueError: if it is none of those that may be read.
        """
        if self.readable is not None and file not in self.readable:
            raise ValueError(f"{file.name} is not among the files that a table says it reads (`Table.reads`)")
        return self.once((file.name, missing), lambda: self._read(file, missing))

    def _read(self, file: ResultFile, missing: Missing) -> pd.DataFrame:
        places = [(dataset, path) for dataset in self.run.datasets for path in self.paths(file, dataset)]
        frames = [self._load(file, path, dataset) for dataset, path in places if missing == "error" or path.is_file()]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(file.column_names()))

    def _load(self, file: ResultFile, path: Path, dataset: str) -> pd.DataFrame:
        """One file, which speaks of this run, and where it is an image set's of that set alone."""
        frame, own = file.load(path), [each.method for each in self.image_sets()]
        if file.by_image_set:
            own = [path.parent.parent.name]
            seed = path.parent.name.removeprefix("seed")
            if "seed" in frame and set(map(str, frame["seed"])) != {seed}:
                file.refuse(f"the column 'seed' does not hold {seed} alone", path)
        elif file.arms:
            own += [REAL, *(f"{REAL}+{method}" for method in self.run.methods)]
        else:
            own += [REAL, ""]
        file.refuse(find_stranger(frame, self.run, dataset, own), path)
        file.refuse(find_lacking_evaluator(frame, self.run) if file.every_evaluator else None, path)
        return frame

    def paths(self, file: ResultFile, dataset: str) -> list[Path]:
        """Where the files of one kind and dataset lie."""
        if not file.by_image_set:
            return [self.folder / dataset / file.name]
        sets = self.image_sets(file.sets)
        return [self.folder / set_file(dataset, each.method, each.seed, file.name) for each in sets]

    def image_sets(self, sets: Sets = "all") -> list[ImageSet]:
        """The controls, real test images first, then the images of every method and seed; or some of these."""
        given = self.run.given
        wanted = {
            "all": self.run.methods,
            "sampled": [method for method in self.run.methods if method not in given],
            "given": given,
            "trained": [method for method in self.run.methods if self.run.is_trained(method)],
        }
        methods = wanted[sets]
        generated = [ImageSet(method=method, seed=seed) for method in methods for seed in self.run.seeds]
        if sets != "all":
            return generated
        return [*(ImageSet(method=method, seed=0) for method in self.run.controls), *generated]

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` returns, made when it is first asked for under a key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def set_file(dataset: str, method: str, seed: int | str, name: str) -> str:
    """Path of a file of one image set below the results folder; `seed` may be `*`."""
    return f"{dataset}/{method}/seed{seed}/{name}"


def require_file(path: Path) -> Path:
    """The path of a file that is there; a CraftError that says how to make it if it is not."""
    if not Path(path).is_file():
        raise CraftError(f"no table {path}: run `snakemake {path}` first")
    return path


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    """Raise a CraftError that names the first missing column of a table."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise CraftError(f"{path}: the column {missing[0]!r} is missing; delete the file and run snakemake again")
