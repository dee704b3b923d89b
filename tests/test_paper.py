"""The paper compiles from any run's tables, and its numbers are the tables' numbers."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typst
from fake_results import EVALUATORS, make_results
from PIL import Image

from craft.core.errors import CraftError
from craft.core.files import write_csv
from craft.evaluation.collect import collect_tables
from craft.evaluation.paper import compile_paper, describe_run, stage_sources
from craft.evaluation.results import kept_states

PAPER = Path(__file__).parents[1] / "paper"


def make_run(folder: Path, **options) -> Path:
    run = make_results(folder, per_label=8, **options)
    for name, table in collect_tables(folder, run).items():
        write_csv(folder / f"tables/{name}.csv", table)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("run"))
    (folder / "figures").mkdir()
    Image.new("RGB", (300, 100), "grey").save(folder / "figures/cas_distributions.png")
    return folder


def test_paper_compiles_to_the_same_pdf_every_time(results, tmp_path):
    for name in ("one.pdf", "two.pdf"):
        compile_paper(results, tmp_path / name, "Discs play the part of real images.", PAPER)
    first = (tmp_path / "one.pdf").read_bytes()
    assert first.startswith(b"%PDF") and first == (tmp_path / "two.pdf").read_bytes()


def test_paper_compiles_to_pages_as_pictures(results, tmp_path):
    compile_paper(results, tmp_path / "page{p}.png", "", PAPER)
    assert len(list(tmp_path.glob("page*.png"))) >= 3


@pytest.mark.parametrize(
    "options",
    [
        {"truth": False},
        {"methods": ["foundation"], "seeds": (0,)},
        {"evaluators": EVALUATORS | {"second": "held_out", "third": "held_out"}},
        {"labels": {f"modality_{letter}": ["a", "b"] for letter in "abcdef"}, "methods": ["lora", "other"]},
    ],
    ids=["no truth", "one method", "three held-out evaluators", "six modalities and an unknown method"],
)
def test_paper_compiles_for_other_configurations(options, tmp_path):
    compile_paper(make_run(tmp_path / "run", **options), tmp_path / "paper.pdf", "", PAPER)
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000


def test_what_a_run_kept_is_the_marked_check_as_a_share_of_the_start():
    history = pd.DataFrame({"dataset": "a", "seed": 0, "step": [0, 1, 2, 3], "best": [False, False, True, None]})
    history["monitor"] = [0.5, None, 0.7, 0.6]
    history["diversity"], history["semantic_diversity"] = [4.0, None, 3.0, 1.0], [1.0, None, 0.25, 0.1]
    history["stopped_because"] = [None, None, None, "it hacked"]
    kept = kept_states(history).to_dict("records")
    assert kept == [
        {"dataset": "a", "seed": 0, "step": 2, "stopped": True, "diversity": 0.75, "semantic_diversity": 0.25}
    ]


def test_paper_source_contains_no_measured_number():
    digits = [
        line
        for name in ("tables.typ", "validity.typ", "paper.typ")
        for line in (PAPER / name).read_text().splitlines()
        if "0." in line
    ]
    measures = [line for line in digits if not any(unit in line for unit in ("em", "pt", "mm"))]
    assert measures == []


def test_missing_table_is_one_sentence(tmp_path):
    make_results(tmp_path, per_label=4)
    with pytest.raises(CraftError, match=r"no table .*cas\.csv"):
        compile_paper(tmp_path, tmp_path / "paper.pdf", "", PAPER)


def test_broken_source_is_reported_without_the_staging_folder(results, tmp_path):
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper/paper.typ").write_text("#nothing-of-that-name")
    with pytest.raises(CraftError, match="unknown variable") as error:
        compile_paper(results, tmp_path / "paper.pdf", "", tmp_path / "paper")
    assert "tmp/tmp" not in str(error.value)


def test_tables_in_the_paper_hold_the_numbers_of_the_csv(results, tmp_path):
    stage_sources(results, PAPER, tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(describe_run(results, "")))
    (tmp_path / "probe.typ").write_text(
        '#import "lib.typ": *\n#metadata(number(-0.0704, digits: 2)) <a>\n#metadata(number(0.5)) <a>\n'
        '#metadata(pick(tables.cas, dataset: "chest", label: "all", method: "lora", evaluator: "clip_resnet",'
        ' metric: "cas").value) <a>'
    )
    found = typst.query(tmp_path / "probe.typ", "<a>", field="value", root=tmp_path)
    cas = pd.read_csv(results / "tables/cas.csv").query(
        "dataset == 'chest' and label == 'all' and method == 'lora' and evaluator == 'clip_resnet' and metric == 'cas'"
    )
    minus, half, value = json.loads(found)
    assert (minus, half) == ("\u22120.07", "0.500") and float(value) == cas["value"].item()
