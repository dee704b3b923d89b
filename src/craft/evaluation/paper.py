"""Compiling the paper: the run's tables, figures and settings are laid beside its source, and typst reads them."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import typst
import yaml

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.files import atomic_path
from craft.evaluation.figures import name_method, spell
from craft.evaluation.results import (
    VALIDITY_COLUMNS,
    kept_states,
    load_run,
    read_histories,
    require_columns,
    run_file,
)
from craft.evaluation.tables import COLUMNS

TABLES = dict.fromkeys(
    ("cas", "tail", "tail_reduction", "comparisons", "agreement", "fidelity", "downstream", "audit", "memorization"),
    COLUMNS,
) | {"validity": VALIDITY_COLUMNS}
FIGURES = ("cas_distributions", "qualitative_grid", "finetuning_curves", "validity", "closest_pairs")


def compile_paper(results: Path, output: Path, notice: str, paper: Path) -> None:
    """Compile the paper of a run.

    Args:
        results: results folder; holds `tables/*.csv` and the resolved settings, and `figures/*.png` as far as drawn.
        output: a PDF, or PNG pages where the name holds `{p}`.
        notice: what plays the part of real images in this run.
        paper: folder with `paper.typ` and what it includes.

    Raises:
        CraftError: if a table or the source is missing, or typst cannot compile it.
    """
    if not (paper / "paper.typ").is_file():
        raise CraftError(f"no paper source {paper / 'paper.typ'}: run from the repository's root or give `--paper`")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        stage_sources(results, paper, root)
        (root / "run.json").write_text(json.dumps(describe_run(results, notice)), encoding="utf-8")
        pages = "{" in output.name
        suffix = output.suffix.removeprefix(".")
        try:
            compiled = typst.compile(root / "paper.typ", root=root, format=suffix, ppi=110, timestamp=0)
        except typst.TypstError as error:
            raise CraftError(f"typst cannot compile {explain_typst(error, root, paper)}") from error
    sheets = compiled if isinstance(compiled, list) else [compiled]
    for number, sheet in enumerate(sheets, start=1):
        with atomic_path(output.with_name(output.name.format(p=number) if pages else output.name)) as staged:
            staged.write_bytes(sheet)


def explain_typst(error: typst.TypstError, root: Path, paper: Path) -> str:
    """File, line and first finding of a typst error, with the paper's folder in place of the staging folder."""
    place = re.search(rf"{root.name}/(\S+)", error.diagnostic or "")
    return f"{paper / (place.group(1) if place else 'paper.typ')}: {' '.join(error.message.split())}"


def stage_sources(results: Path, paper: Path, root: Path) -> None:
    """Copy the paper's source, the tables and the figures into one folder, since typst reads nothing outside its root.

    Raises:
        CraftError: if a table is missing or lacks a column.
    """
    for source in sorted(paper.iterdir()):
        if source.suffix in (".typ", ".bib", ".yaml"):
            shutil.copy(source, root / source.name)
    for folder in ("tables", "figures"):
        (root / folder).mkdir()
    for table, columns in TABLES.items():
        path = results / "tables" / f"{table}.csv"
        if not path.is_file():
            raise CraftError(f"no table {path}: run `snakemake {path}` first")
        require_columns(pd.read_csv(path, nrows=1), columns, path)
        shutil.copy(path, root / "tables" / path.name)
    for figure in FIGURES:
        path = results / "figures" / f"{figure}.png"
        if path.is_file():
            shutil.copy(path, root / "figures" / path.name)


def describe_run(results: Path, notice: str) -> dict:
    """What the paper says about a run beyond its tables: names, roles of methods, settings that were used."""
    run = load_run(results)
    evaluators = pd.read_csv(results / "tables/cas.csv")[["evaluator", "role"]].drop_duplicates()
    trained = {method: training_settings(results, run.datasets, method, run.seeds) for method in run.methods}
    histories = {method: read_histories(results, run, method) for method in run.methods}
    return {
        "notice": notice,
        "datasets": [{"key": key, "name": spell(key), "labels": len(labels)} for key, labels in run.datasets.items()],
        "methods": [
            {
                "key": method,
                "name": "Test images" if method == REAL else name_method(method),
                "reward": method in run.rewards,
                "settings": trained.get(method),
                "kept": kept_states(histories[method]).to_dict("records")
                if "monitor" in histories.get(method, ())
                else [],
            }
            for method in (REAL, *run.methods)
        ],
        "evaluators": evaluators.to_dict("records"),
        "seeds": len(run.seeds),
        "scoring": run.scoring.model_dump(),
        "figures": [name for name in FIGURES if (results / "figures" / f"{name}.png").is_file()],
    }


def training_settings(results: Path, datasets: dict, method: str, seeds: list[int]) -> dict | None:
    """Resolved training settings of a method's first run, or None where it trains nothing."""
    for rule in ("finetune_reward", "train_adapter"):
        path = results / run_file(next(iter(datasets)), method, seeds[0], f"settings/{rule}.yaml")
        if path.is_file():
            return yaml.safe_load(path.read_text(encoding="utf-8"))
    return None
