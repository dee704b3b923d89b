"""What the paper says about a run beyond its tables: names, roles of methods, settings that were used."""

from collections.abc import Iterable, Mapping

import pandas as pd

from craft.evaluation.downstream.arms import Arm
from craft.evaluation.reporting.figures import name_method, spell
from craft.evaluation.reporting.notebooks import Figure
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES
from craft.models.backgrounds import Background
from craft.reward.dimensions import DIMENSIONS
from craft.training.settings import MethodJob


def describe_run(
    run: Run, tables: Mapping[str, pd.DataFrame], jobs: list[MethodJob], figures: list[Figure], notice: str
) -> dict:
    """The paper's `run.json`.

    Args:
        run: datasets, methods and seeds.
        tables: tables of the run by name.
        jobs: settings of its trainings; a method is described by its first one.
        figures: those that were drawn.
        notice: what plays the part of real images.

    Returns:
        Plain values, fit for JSON.
    """
    return {
        "notice": notice,
        "datasets": [
            {"key": key, "name": spell(key), "labels": len(labels), "patients": key not in run.unnamed_patients}
            for key, labels in run.datasets.items()
        ],
        "methods": [describe_method(method, run, jobs) for method in (*run.controls, *run.methods)],
        "evaluators": tables["cas"][["evaluator", "role"]].drop_duplicates().to_dict("records"),
        "judges": [describe_judge(judge) for judge in run.judges if judge.role == "held_out"],
        "dimensions": list(DIMENSIONS),
        "arms": name_arms(tables["downstream"]["method"].unique()),
        "seeds": len(run.seeds),
        "resolution": run.resolution,
        "scoring": run.scoring.model_dump(mode="json"),
        "tables": [
            {"name": name, "title": table.title, "columns": list(table.columns)} for name, table in TABLES.items()
        ],
        "figures": [{"name": figure.name, "caption": figure.caption, "beside": figure.beside} for figure in figures],
    }


def describe_method(method: str, run: Run, jobs: list[MethodJob]) -> dict:
    """Name and part of a method, and the settings of its first training, None where it trains nothing."""
    job = next((job for job in jobs if job.method == method), None)
    return {
        "key": method,
        "name": name_method(method),
        "reward": method in run.rewarded,
        "given": method in run.given,
        "sampled": method in run.methods and method not in run.given,
        "settings": job and job.model_dump(mode="json"),
    }


def describe_judge(judge: Background) -> dict:
    """Name, kind and family of a judge, and the images that formed it in words; None stands for what is unknown."""
    images = judge.training_data and [str(each) for each in judge.training_data]
    return {"name": judge.name, "kind": judge.kind, "family": judge.family, "training_data": images}


def name_arms(arms: Iterable[str]) -> dict[str, str]:
    """Names of the training sets of the downstream classifiers, by key (`craft.evaluation.downstream.arms.Arm`)."""
    return {name: name_arm(Arm.parse(name)) for name in arms}


def name_arm(arm: Arm) -> str:
    """A training set in words: real images, a method's, or both, with how many of these stand beside a real one."""
    amount = "" if arm.ratio == 1 else f" ×{arm.ratio:g}"
    return " + ".join(["Train images"] * arm.real + ([name_method(arm.method) + amount] if arm.method else []))
