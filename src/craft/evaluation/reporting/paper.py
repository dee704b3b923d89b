"""Compiling the paper: the run's tables, figures and findings are laid beside its source, and Typst reads them."""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import typst

from craft.core.errors import CraftError
from craft.core.files import atomic_path, write_json
from craft.core.reading import reading
from craft.evaluation.reader_study.results import STUDY_COLUMNS
from craft.evaluation.reporting.describe import describe_run
from craft.evaluation.reporting.findings import collect_findings, data
from craft.evaluation.reporting.findings.study import STUDY
from craft.evaluation.reporting.histories import pair_trainings, read_kept_states
from craft.evaluation.reporting.ledger import label_rows, make_ledger
from craft.evaluation.reporting.notebooks import list_figures
from craft.evaluation.results import require_columns, require_file, set_file
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES

SOURCES = (".typ", ".bib", ".yaml")
CLAIMS = "claims.json"


@dataclass(frozen=True)
class PaperFiles:
    """What the paper of a run is made of.

    Attributes:
        run: settings of the job that collected the tables.
        tables: CSV files named as the tables, all of them.
        figures: PNG files named as their notebooks, as far as drawn.
        settings: of the jobs that trained adapters.
        histories: what they left behind, in the same order.
        paper: folder with `paper.typ` and what it includes.
        notebooks: folder of the notebooks, which hold the figures' captions.
        counts: `<dataset>/counts.csv` of the datasets, as far as they are to be spoken of.
        study: analysis of a reader study, where there is one.
    """

    run: Path
    tables: list[Path]
    figures: list[Path] = field(default_factory=list)
    settings: list[Path] = field(default_factory=list)
    histories: list[Path] = field(default_factory=list)
    paper: Path = Path("paper")
    notebooks: Path = Path("notebooks")
    counts: list[Path] = field(default_factory=list)
    study: Path | None = None


def compile_paper(files: PaperFiles, output: Path, notice: str, claims: Path | None = None) -> None:
    """Compile the paper of a run, and write its ledger of claims where one is asked for.

    Args:
        files: what it is made of.
        output: a PDF, or PNG pages where the name holds `{p}`.
        notice: what plays the part of real images in this run.
        claims: where the ledger is written.

    Raises:
        CraftError: if a file is missing or broken, a number has no source, or Typst cannot compile the source.
    """
    if not (files.paper / "paper.typ").is_file():
        raise CraftError(
            f"no paper source {files.paper / 'paper.typ'}: run from the repository's root or give `--paper`"
        )
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        stage_paper(files, notice, root)
        suffix = output.suffix.removeprefix(".")
        try:
            compiled = typst.compile(root / "paper.typ", root=root, format=suffix, ppi=110, timestamp=0)
        except typst.TypstError as error:
            raise CraftError(f"Typst cannot compile {explain_typst(error, root, files.paper)}") from error
        if claims:
            with atomic_path(claims) as staged:
                shutil.copy(root / CLAIMS, staged)
    sheets = compiled if isinstance(compiled, list) else [compiled]
    for number, sheet in enumerate(sheets, start=1):
        with atomic_path(output.with_name(output.name.replace("{p}", str(number)))) as staged:
            staged.write_bytes(sheet)


def explain_typst(error: typst.TypstError, root: Path, paper: Path) -> str:
    """File, line and first finding of a Typst error, with the paper's folder in place of the staging folder."""
    place = re.search(rf"{root.name}/(\S+)", error.diagnostic or "")
    return f"{paper / (place.group(1) if place else 'paper.typ')}: {' '.join(error.message.split())}"


def stage_paper(files: PaperFiles, notice: str, root: Path) -> None:
    """Lay source, tables, figures, `run.json` and `claims.json` in one folder; Typst reads nothing outside of it.

    Raises:
        CraftError: if a file is missing or broken.
    """
    for source in sorted(files.paper.iterdir()):
        if source.suffix in SOURCES:
            shutil.copy(source, root / source.name)
    run = Run.load(files.run)
    tables = stage_tables(files.tables, root / "tables")
    pictures = {path.stem: require_file(path) for path in files.figures}
    figures = [figure for figure in list_figures(files.notebooks) if figure.name in pictures]
    (root / "figures").mkdir()
    for figure in figures:
        shutil.copy(pictures[figure.name], root / "figures" / f"{figure.name}.png")
    trainings = pair_trainings(files.settings, files.histories)
    described = describe_run(run, tables, [job for job, _ in trainings], figures, notice)
    write_json(root / "run.json", described)
    tables |= {STUDY: stage_study(files.study, root / "study.csv"), data.COUNTS: read_counts(files.counts)}
    kept = read_kept_states(trainings)
    jobs = {
        set_file(job.dataset, job.method, job.seed, f"settings/{path.name}"): job
        for path, (job, _) in zip(files.settings, trainings, strict=True)
    }
    ledger = make_ledger(collect_findings(tables, kept, run), described, [*tables.values(), kept], jobs, run)
    # a value that is no number would be no JSON
    (root / CLAIMS).write_text(json.dumps(ledger, indent=1, allow_nan=False), encoding="utf-8")


def read_counts(paths: list[Path]) -> pd.DataFrame:
    """Images of every label and split, and the dataset, which the folder names, in front of them.

    Raises:
        CraftError: if a file is missing or lacks a column.
    """
    frames = []
    for path in paths:
        frame = pd.read_csv(require_file(path), keep_default_na=False, na_values=[""])
        require_columns(frame, data.COLUMNS[1:], path)
        dataset = path.parent.name
        frame.insert(0, "dataset", dataset)
        frames.append(label_rows(frame, f"{dataset}/{path.name}"))
    return pd.concat(frames) if frames else pd.DataFrame(columns=list(data.COLUMNS))


def stage_study(path: Path | None, staged: Path) -> pd.DataFrame:
    """Copy the analysis of a reader study, and read it; without one, its header alone, which Typst can read.

    Raises:
        CraftError: if it is missing, or lacks a column.
    """
    if path is None:
        staged.write_text(",".join(STUDY_COLUMNS) + "\n", encoding="utf-8")
        return pd.DataFrame(columns=list(STUDY_COLUMNS))
    with reading(require_file(path), "the analysis of a reader study", "run `craft study analyse` again"):
        study = pd.read_csv(path)
        require_columns(study, STUDY_COLUMNS, path)
    shutil.copy(path, staged)
    return label_rows(study, "reader_study/analysis.csv")


def stage_tables(paths: list[Path], folder: Path) -> dict[str, pd.DataFrame]:
    """Copy the tables of a run into a folder, and read them, in the order of their registry.

    Raises:
        CraftError: if one is missing, of an unknown name, or lacks a column.
    """
    given = {TABLES.require(path.stem): path for path in paths}
    folder.mkdir()
    tables = {}
    for name, table in TABLES.items():
        if name not in given:
            raise CraftError(
                f"the table {name!r} is missing among `--tables`: add `--tables <results>/tables/{name}.csv`"
            )
        path = require_file(given[name])
        # a label may be called `null`, which is none of a missing value
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
        require_columns(frame, table.columns, path)
        tables[name] = label_rows(frame, f"tables/{name}.csv")
        shutil.copy(path, folder / f"{name}.csv")
    return tables
