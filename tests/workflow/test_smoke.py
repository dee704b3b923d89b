"""The whole pipeline at smoke scale, in a copy of the repository: what runs, and what runs again after which change."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from craft.evaluation.tables import TABLES

ROOT = Path(__file__).parents[2]
CONFIG = "configs/smoke.yaml"
SETTINGS = yaml.safe_load((ROOT / CONFIG).read_text())
RESULTS = SETTINGS.get("results", "results")
KEPT_OUT = (".*", "__pycache__", "*.egg-info", "results", "raw")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def environment_of(folder: Path) -> dict[str, str]:
    """Of a command that runs the code of a copy of the repository, on the raw data beside it."""
    return {**os.environ, "PYTHONPATH": str(folder / "src"), "CRAFT_DATA": str(folder / "data/raw")}


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run Snakemake on the smoke configuration in a folder and keep what it says."""
    command = [sys.executable, "-m", "snakemake", "--configfile", CONFIG, "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def planned_jobs(folder: Path, *targets: str) -> set[tuple[str, str]]:
    """(rule, method) of all jobs that a run would start now; the method is empty where the rule has none."""
    run = snakemake(folder, "-n", *targets)
    assert run.returncode == 0, run.stderr
    told = re.findall(r"^Job \d+: (\w+)(?: \((.+?)\))?: ", run.stdout + run.stderr, flags=re.MULTILINE)
    methods = [[part for part in place.split(", ") if part in SETTINGS["methods"]] for _, place in told]
    return {(rule, "".join(named)) for (rule, _), named in zip(told, methods, strict=True)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A copy of the repository in which the smoke configuration has run once."""
    folder = tmp_path_factory.mktemp("smoke") / "craft"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*KEPT_OUT))
    run = snakemake(folder, "all", "models", "ablations", "study")
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    return folder


def test_smoke_run_exercises_every_rule(finished):
    sources = [file.read_text() for file in finished.glob("rules/*.smk")]
    found = [re.findall(r"^ *(?:use )?rule (\w+)(?: as (\w+) with)?:", source, flags=re.M) for source in sources]
    rules = {alias or name for names in found for name, alias in names}
    logged = {re.match(r"\w+", path.name)[0] for path in (finished / RESULTS / "logs").iterdir()}
    assert logged == rules - {"read_images"}


def test_paper_tables_and_notebooks_are_there(finished):
    results = finished / RESULTS
    assert (results / "paper/paper.pdf").read_bytes().startswith(b"%PDF")
    assert "## Partitions" in (results / "paper/checklist.md").read_text()
    for notebook in finished.glob("notebooks/*.ipynb"):
        assert (results / "notebooks" / notebook.name).is_file()
    for name in set(TABLES) - {"given"}:
        table = pd.read_csv(results / f"tables/{name}.csv")
        assert set(SETTINGS["datasets"]) <= set(table["dataset"]) <= {*SETTINGS["datasets"], "all"}


def test_the_gallery_shows_every_image_of_the_run(finished):
    gallery, made = finished / RESULTS / "gallery", SETTINGS["generation"]["images_per_dataset"]
    assert (gallery / "index.html").is_file() and (gallery / "data.js").is_file()
    for dataset in SETTINGS["datasets"]:
        for method in SETTINGS["methods"]:
            assert len(list((gallery / "images" / dataset / method).rglob("*.png"))) == made


def test_a_report_of_snakemake_holds_paper_tables_and_figures(finished):
    run = snakemake(finished, "--report", "report.html")
    assert run.returncode == 0, run.stderr[-4000:]
    report = (finished / "report.html").read_text(encoding="utf-8")
    for held in ("paper.pdf", "cas.csv", "cas_distributions.png", TABLES["cas"].title):
        assert held in report


def test_an_ablation_compares_every_variant_with_the_method_as_it_is(finished):
    results, section = finished / RESULTS, SETTINGS["ablations"]
    variants = {f"{section['of']}_{name}" for name in section["variants"]}
    table = pd.read_csv(results / "tables/ablation.csv")
    assert set(table["method"]) == {section["of"], *variants}
    compared = table[table["method"].isin(variants)]
    assert (compared["against"] == section["of"]).all() and compared["difference"].notna().all()
    assert {"cas", "tail_rate", "diversity", "unet_evaluations"} <= set(compared["metric"])
    assert (results / "figures/variants.pdf").read_bytes().startswith(b"%PDF")
    assert not variants & set(pd.read_csv(results / "tables/cas.csv")["method"]), "a table of the run knows variants"


def test_a_reader_study_shows_every_label_and_its_key_names_the_methods(finished):
    folder, study = finished / RESULTS / "reader_study", SETTINGS["reader_study"]
    pairs = json.loads((folder / "key.json").read_text())["pairs"]
    places = {(pair["dataset"], pair["label"]) for pair in pairs}
    assert places == {(name, label) for name, dataset in SETTINGS["datasets"].items() for label in dataset["labels"]}
    assert {pair[side]["method"] for pair in pairs for side in ("left", "right")} == {"craft", *study["against"]}
    assert (folder / "index.html").read_text().count(pairs[0]["pair"]) == 1


def test_variants_share_what_they_do_not_change(finished):
    for dataset in SETTINGS["datasets"]:
        trained = {path.parent.parent.name for path in (finished / RESULTS / dataset).glob("*/seed0/adapter")}
        own = {name for name, method in SETTINGS["methods"].items() if method["kind"] != "foundation"}
        variants = {f"craft_{name}" for name in SETTINGS["ablations"]["variants"]}
        assert trained == {*own, *variants, "lora_enriched_few_images"}


def test_a_second_run_has_nothing_to_do_when_sources_were_touched(finished):
    for pattern in ("src/craft/**/*.py", "scripts/*.py", "data/knowledge/*.yaml"):
        for file in finished.glob(pattern):
            file.touch()
    assert planned_jobs(finished, "all", "ablations", "study") == set()


FOLLOWS = {"collect_tables", "render_notebook", "compile_paper", "make_gallery", "write_checklist", "all"}


@pytest.mark.parametrize(
    ("file", "found", "written", "measured"),
    [
        ("fidelity/settings.py", "resamples; the time of one", "resamples; the cost of one", "measure_fidelity"),
        ("memorization/results.py", '"ssim")', '"ssim", "more")', "find_neighbours"),
    ],
    ids=["a description of a setting", "a column of a reader"],
)
def test_a_room_of_the_evaluation_reruns_its_own_jobs_and_what_follows(finished, file, found, written, measured):
    module = finished / "src/craft/evaluation" / file
    source = module.read_text()
    assert found in source
    module.write_text(source.replace(found, written))
    planned = {rule for rule, _ in planned_jobs(finished)}
    module.write_text(source)
    assert measured in planned and planned <= {measured, *FOLLOWS}


def test_editing_the_craft_objective_reruns_craft_and_what_follows(finished):
    objective = finished / "src/craft/reward/objective.py"
    source = objective.read_text()
    reward = [name for name, method in SETTINGS["methods"].items() if method["kind"] == "reward"]
    objective.write_text(source + "\n# an edit\n")
    planned = planned_jobs(finished)
    objective.write_text(source)
    measured = {"score_images", "train_classifier", "measure_fidelity", "audit_checklist", "find_neighbours"}
    measured |= {"check_validity", "measure_biomarkers", "generate_images"}
    follows = measured | FOLLOWS
    assert planned == {(rule, "") for rule in follows} | {("finetune_reward", method) for method in reward}
    assert planned_jobs(finished) == set(), "the same source under a new date reran something"


def test_changing_one_method_leaves_the_others_alone(finished):
    config = finished / CONFIG
    source = config.read_text()
    raw = yaml.safe_load(source)
    name, method = next((name, method) for name, method in raw["methods"].items() if method["kind"] == "reward")
    method.setdefault("objective", {})["beta"] = 7.5
    config.write_text(yaml.safe_dump(raw, sort_keys=False))
    planned = planned_jobs(finished)
    config.write_text(source)
    assert {(rule, trained) for rule, trained in planned if trained} == {("finetune_reward", name)}
    assert ("generate_images", "") in planned
    assert "calibrate_cas" not in {rule for rule, _ in planned}
    assert planned_jobs(finished) == set()


def test_images_of_other_programs_alone_make_a_paper(finished):
    """The whole judgement of `configs/judge.yaml`, with few images of its own kind and few resamples."""
    raw = yaml.safe_load((finished / "configs/judge.yaml").read_text())
    raw["datasets"]["dermoscopy"] |= {"images_per_label": 40, "splits": SETTINGS["datasets"]["dermoscopy"]["splits"]}
    raw |= {name: SETTINGS[name] for name in ("scoring", "fidelity", "validity")}
    (finished / "judge.yaml").write_text(yaml.safe_dump(raw))
    render = [sys.executable, "scripts/render_example.py", "--per-label", "6"]
    subprocess.run(render, cwd=finished, check=True, env=environment_of(finished))
    command = [sys.executable, "-m", "snakemake", "--configfile", "judge.yaml", "--cores", "2"]
    run = subprocess.run(command, cwd=finished, capture_output=True, text=True, env=environment_of(finished))
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    results = finished / raw["results"]
    assert (results / "paper/paper.pdf").read_bytes().startswith(b"%PDF")
    assert "## Partitions" in (results / "paper/checklist.md").read_text()
    assert len(list((results / "gallery/images/dermoscopy/blurred").rglob("*.png"))) == 18
    given = pd.read_csv(results / "tables/given.csv").set_index("method")["images"]
    assert given.to_dict() == {"blurred": 18, "mislabelled": 18}
    compared = pd.read_csv(results / "tables/comparisons.csv")
    assert not compared["paired"].any() and set(compared["method"]) == {"mislabelled"}
    for name in ("cas", "tail", "fidelity", "audit", "anatomy", "memorization"):
        methods = set(pd.read_csv(results / f"tables/{name}.csv")["method"])
        assert {"blurred", "mislabelled", "real"} <= methods and "decoded" not in methods


def test_a_broken_input_file_ends_its_job_with_one_sentence(finished):
    dataset, section = next(iter(SETTINGS["datasets"].items()))
    bank = finished / "data/knowledge" / f"{section['modality']}.yaml"
    source = bank.read_text()
    bank.write_text("labels: {}\n")
    run = snakemake(finished, f"{RESULTS}/{dataset}/knowledge.yaml")
    bank.write_text(source)
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "craft: " in said and bank.name in said
    assert "Traceback" not in said
