"""The checklist: what a run says of itself, and what it leaves open."""

import pandas as pd
import pytest
import yaml
from in_process import run_script

from craft.core.errors import CraftError
from craft.core.files import ROOT, write_csv, write_text
from craft.datasets.settings import SplitSettings
from craft.datasets.splits import REAL_SPLITS
from craft.evaluation.checklist.facts import Facts
from craft.evaluation.checklist.items import ITEMS
from craft.evaluation.checklist.settings import CheckedDataset, CheckedMethod, CheckedTraining, ChecklistJob
from craft.evaluation.checklist.write import OPEN, write_checklist
from craft.evaluation.settings import ScoringSettings
from craft.models.backgrounds import Background
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import CHECKLIST_SETTINGS, resolve_jobs

VERSIONS = {"commit": "0123456789ab", "machine": "a machine", "versions": {"Python": "3.11.7"}}
TRAINING = CheckedTraining(steps=40, batch=12, optimizer="adamw", learning_rate=2e-4)


def make_job(reader="image_folder", seeds=(0,), **changes) -> ChecklistJob:
    """A run of one dataset, a baseline and a method with a reward."""
    roles = {"clip_resnet": "reward", "clip_bit": "monitor", "lit_efficientnet": "held_out"}
    whole = {
        "datasets": {"fundus": ["no_dr", "proliferative_dr"]},
        "methods": ["lora", "craft"],
        "rewarded": ["craft"],
        "seeds": list(seeds),
        "scoring": ScoringSettings(bootstrap=200),
        "judges": [
            Background(name=name, kind="evaluator", role=role, family=name, training_data=None, origin=None)
            for name, role in roles.items()
        ],
        "notice": "Photographs of our clinic.",
        "resolution": 64,
        "data": {
            "fundus": CheckedDataset(
                reader=reader, modality="fundus", splits=SplitSettings(), split_seed=7, max_per_label=None
            )
        },
        "generator": "stable/model",
        "generator_trained": False,
        "ways": {
            "lora": CheckedMethod(kind="supervised", start=None, guarded=False, training=TRAINING),
            "craft": CheckedMethod(kind="reward", start="lora", guarded=True, training=TRAINING),
        },
        "knowledge": "bank",
    }
    return ChecklistJob(**whole | changes)


@pytest.fixture
def results(tmp_path):
    """The files of a run that the checklist reads."""
    counts = [(label, split, 10, 8, 1) for label in ("no_dr", "proliferative_dr") for split in REAL_SPLITS]
    columns = ["label", "split", "images", "patients", "twins_elsewhere"]
    write_csv(tmp_path / "fundus/counts.csv", pd.DataFrame(counts, columns=columns))
    left_out = [("no label", "", 3), ("unreadable", "a.png", 1), ("unreadable", "b.png", 1)]
    write_csv(tmp_path / "fundus/left_out.csv", pd.DataFrame(left_out, columns=["reason", "value", "count"]))
    values = {"real": (0.9, 0.85, 0.95), "lora": (0.5, 0.4, 0.6), "craft": (0.625, None, None)}
    for table, metric in (("cas", "cas"), ("tail", "tail_rate")):
        rows = [
            ("fundus", "all", method, judge, role, metric, *(numbers if role == "held_out" else (0.1, 0.1, 0.1)))
            for method, numbers in values.items()
            for judge, role in (("clip_resnet", "reward"), ("lit_efficientnet", "held_out"))
        ]
        names = ["dataset", "label", "method", "evaluator", "role", "metric", "value", "low", "high"]
        write_csv(tmp_path / f"tables/{table}.csv", pd.DataFrame(rows, columns=names).assign(over="images, this seed"))
    cost = [("fundus", "craft", "training", "cpu_seconds", 90.0), ("fundus", "craft", "images", "gpu_seconds", 0.0)]
    write_csv(
        tmp_path / "tables/cost.csv", pd.DataFrame(cost, columns=["dataset", "method", "stage", "metric", "value"])
    )
    write_csv(tmp_path / "tables/validity.csv", pd.DataFrame({"study": ["damage", "damage", "gap"]}))
    return tmp_path


def answers(results, job) -> dict[str, str]:
    """What the page answers, by what is asked."""
    page = write_checklist(Facts.load(job, results, **VERSIONS))
    parts = page.split("\n**")[1:]
    return {part.split("**\n\n")[0]: part.split("**\n\n")[1].split("\n## ")[0].strip() for part in parts}


def test_every_item_is_answered_or_said_to_be_open(results):
    found = answers(results, make_job())
    assert list(found) == [item.asked for item in ITEMS] and all(found.values())
    page = write_checklist(Facts.load(make_job(), results, **VERSIONS))
    assert f"answer the {page.count(OPEN)} open ones of {len(ITEMS)} yourself" in page


def test_what_only_authors_know_stays_open_for_real_images(results):
    found = answers(results, make_job())
    left = {asked for asked, answer in found.items() if answer == OPEN}
    assert {
        "Were data collected before or after the study was planned?",
        "How were patients' identities removed?",
        "How were images acquired?",
        "Who annotated the images, and how far do annotators agree?",
        "Who are the patients?",
        "Was it tested on data of another source?",
        "Who paid for the study?",
    } <= left
    assert "not known to the run" in found["Are software, models and data available, under which licences?"]


def test_phantoms_have_no_patients(results):
    found = answers(results, make_job("phantom"))
    assert "There are no patients" in found["Who are the patients?"]
    assert "patients" not in found["How many patients and images were used?"]
    assert "by rendered image" in found["At which level are partitions disjoint?"]


def test_numbers_are_those_of_the_tables(results):
    found = answers(results, make_job())
    assert (
        "- fundus: `real` 0.900 (0.850-0.950), `lora` 0.500 (0.400-0.600), `craft` 0.625\n"
        in (found["How good is it, with which uncertainty?"])
    )
    assert "`lora`" not in found["Where does it fail?"]
    assert "- fundus: 3 for no label, 2 for unreadable" in found["Which data were left out, and why?"]
    flow = found["How many patients and images were used?"]
    assert "80 patients, once for every label of theirs; 100 images (train 20," in flow
    assert "1.5 CPU minutes" in found["With which software and hardware?"]
    assert "GPU" not in found["With which software and hardware?"]
    assert "`damage`, `gap`" in found["Was robustness analysed?"]


def test_data_without_patients_are_split_by_image(results):
    level = "At which level are partitions disjoint?"
    assert "by patient" in answers(results, make_job())[level]
    assert "by image, since the data name no patients" in answers(results, make_job(unnamed_patients=["fundus"]))[level]


def test_the_choice_of_the_model_names_who_chose(results):
    chosen = answers(results, make_job())["How was the final model chosen?"]
    assert "For `craft` a guard chose the state by `clip_bit`" in chosen and "For `lora` the last state" in chosen


def test_one_seed_is_said_to_tell_nothing_of_another_training(results):
    asked = "How are uncertainty and significance measured?"
    assert "another training" in answers(results, make_job())[asked]
    assert "another training" not in answers(results, make_job(seeds=(0, 1)))[asked]


def test_a_missing_table_is_named(results):
    (results / "tables/tail.csv").unlink()
    with pytest.raises(CraftError, match=r"no table .*tail.csv: run `snakemake"):
        Facts.load(make_job(), results, **VERSIONS)


def test_the_script_writes_the_page(results):
    write_text(results / "settings.yaml", make_job().to_yaml())
    arguments = [results / "settings.yaml", "--results", results, "--output", results / "paper/checklist.md"]
    assert run_script("write_checklist", *arguments).returncode == 0
    page = (results / "paper/checklist.md").read_text()
    assert "# Reporting checklist of this run" in page and str(results) not in page


@pytest.mark.parametrize("name", ["config.yaml", "configs/judge.yaml", "configs/public.yaml"])
def test_a_configuration_says_what_the_checklist_needs(name):
    raw = yaml.safe_load((ROOT / name).read_text())
    config = validate_config(raw)
    job = resolve_jobs(config)[CHECKLIST_SETTINGS]
    assert list(job.ways) == list(config.methods) and set(job.data) == set(raw["datasets"])
    trained = {name for name, way in job.ways.items() if way.training}
    assert trained == {name for name, method in config.methods.items() if method.rule}
    assert (job.generator is None) == (config.foundation is None)


def test_a_folder_of_the_machine_is_no_part_of_the_checklist():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"foundation": {"path": "/home/someone/sd"}}
    assert resolve_jobs(validate_config(raw))[CHECKLIST_SETTINGS].generator == "sd"
