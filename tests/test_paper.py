"""The paper compiles from any run's tables, words its findings, and its numbers are the tables' numbers."""

import json
import shutil
from pathlib import Path
from pydoc import locate

import pandas as pd
import pytest
import typst
from fake_results import EVALUATORS, make_results
from fake_study import prefers, write_response, write_study
from PIL import Image
from typst_prose import typed_numbers

from craft.core.errors import CraftError
from craft.core.files import write_csv, write_text
from craft.evaluation.reader_study.analysis import analyse_study
from craft.evaluation.reader_study.responses import read_key, read_responses
from craft.evaluation.reporting.ledger import numbers_in
from craft.evaluation.reporting.notebooks import list_figures
from craft.evaluation.reporting.paper import PaperFiles, compile_paper, stage_paper
from craft.evaluation.results import SETTINGS, Results, set_file
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES, collect_tables
from craft.training.settings import MethodJob, SamplingSettings

ROOT = Path(__file__).parents[1]
PAPER, NOTEBOOKS = ROOT / "paper", ROOT / "notebooks"
COMPUTING = ("tables.", "float(", "calc.min", "calc.max", ".sorted(", ".find(")
TRAININGS = {"lora": {"kind": "supervised", "prompts": "plain"}, "craft": {"kind": "reward", "start": "lora"}}


def make_run(folder: Path, **options) -> Path:
    make_results(folder, per_label=8, **options)
    write_tables(folder)
    return folder


def write_tables(folder: Path) -> None:
    for name, table in collect_tables(Results.load(folder)).items():
        write_csv(folder / f"tables/{name}.csv", table)


def files_of(folder: Path, **changes) -> PaperFiles:
    """The files of a run as its rule hands them over, with settings of the trainings that have a history."""
    run, settings, histories = Run.load(folder / SETTINGS), [], []
    for method in set(TRAININGS) & set(run.methods):
        for dataset in run.datasets:
            for seed in run.seeds:
                history = folder / set_file(dataset, method, seed, "history.parquet")
                if history.is_file():
                    settings.append(write_settings(folder, dataset, method, seed))
                    histories.append(history)
    files = {"tables": [folder / f"tables/{name}.csv" for name in TABLES], "settings": settings, "histories": histories}
    files |= {"figures": sorted((folder / "figures").glob("*.png")), "paper": PAPER, "notebooks": NOTEBOOKS}
    return PaperFiles(**{"run": folder / SETTINGS, **files, **changes})


def write_settings(folder: Path, dataset: str, method: str, seed: int) -> Path:
    job = MethodJob(
        dataset=dataset,
        method=method,
        seed=seed,
        training=TRAININGS[method],
        resolution=32,
        foundation={"path": "folder"},
        evaluators=[],
        sampling=SamplingSettings(),
        neighbours=5,
    )
    path = folder / set_file(dataset, method, seed, "settings/training.yaml")
    write_text(path, job.to_yaml())
    return path


def query(files: PaperFiles, root: Path, selector: str, **options) -> list:
    """What Typst finds in the compiled paper."""
    root.mkdir()
    stage_paper(files, "", root)
    return json.loads(typst.query(root / "paper.typ", selector, root=root, **options))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("run"))
    (folder / "figures").mkdir()
    for name in ("qualitative_grid", "cas_distributions"):
        Image.new("RGB", (300, 100), "grey").save(folder / f"figures/{name}.png")
    return folder


def test_paper_compiles_to_the_same_pdf_every_time(results, tmp_path):
    for name in ("one.pdf", "two.pdf"):
        compile_paper(files_of(results), tmp_path / name, "Discs play the part of real images.")
    first = (tmp_path / "one.pdf").read_bytes()
    assert first.startswith(b"%PDF") and first == (tmp_path / "two.pdf").read_bytes()


def test_paper_compiles_to_pages_as_pictures(results, tmp_path):
    compile_paper(files_of(results), tmp_path / "page{p}.png", "")
    assert len(list(tmp_path.glob("page*.png"))) >= 3


@pytest.mark.parametrize(
    "options",
    [
        {"classifier": False},
        {"methods": ["foundation"], "seeds": (0,)},
        {"evaluators": EVALUATORS | {"second": "held_out", "third": "held_out"}},
        {"labels": {f"dataset_{letter}": ["a", "b"] for letter in "abcdef"}, "methods": ["lora", "other"]},
        {"methods": ["lora", "gan", "craft"], "given": ("gan",)},
    ],
    ids=[
        "no classifier of phantoms",
        "one method",
        "three held-out evaluators",
        "six datasets and an unknown method",
        "images of another program beside methods",
    ],
)
def test_paper_compiles_for_other_configurations(options, tmp_path):
    compile_paper(files_of(make_run(tmp_path / "run", **options)), tmp_path / "paper.pdf", "")
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000


def test_figures_stand_in_their_order_with_the_captions_of_their_notebooks(results, tmp_path):
    drawn = query(files_of(results), tmp_path / "root", "figure.where(kind: image)", field="label")
    assert drawn == ["<figure-cas_distributions>", "<figure-qualitative_grid>"]
    described = json.loads((tmp_path / "root/run.json").read_text())["figures"]
    captions = {figure.name: figure.caption for figure in list_figures(NOTEBOOKS)}
    assert [entry["caption"] for entry in described] == [captions[entry["name"]] for entry in described]


def test_readers_are_spoken_of_where_their_answers_were_analysed(results, tmp_path):
    assert query(files_of(results), tmp_path / "without", "<study>") == []
    key = write_study(tmp_path / "study", pairs_per_label=1, repeats=0)
    rules = {"anna": prefers("craft"), "bert": prefers("craft"), "cora": prefers("lora")}
    paths = [write_response(tmp_path / f"{name}.json", key, name, rule) for name, rule in rules.items()]
    known = read_key(tmp_path / "study/key.json")
    write_csv(tmp_path / "analysis.csv", analyse_study(known, read_responses(known, paths)))
    shown = json.dumps(query(files_of(results, study=tmp_path / "analysis.csv"), tmp_path / "with", "<study>"))
    # of all answers two thirds, of all four pairs all
    assert all(text in shown for text in ("66.7", "100.0", "Skin", "CRAFT", "LoRA", "0.125"))


def test_a_new_figure_is_one_notebook(results, tmp_path):
    notebooks = shutil.copytree(NOTEBOOKS, tmp_path / "notebooks")
    craft = {"order": 1, "caption": "A _toy_ of #run.datasets.len() datasets.", "reads": ["{dataset}/images.parquet"]}
    (notebooks / "toy.ipynb").write_text(json.dumps({"cells": [], "metadata": {"craft": craft}}))
    picture = tmp_path / "toy.png"
    Image.new("RGB", (30, 10), "grey").save(picture)
    files = files_of(results, notebooks=notebooks, figures=[picture])
    assert query(files, tmp_path / "root", "figure.where(kind: image)", field="label") == ["<figure-toy>"]


def test_a_new_table_appears_without_a_layout(results, tmp_path, monkeypatch):
    for name in ("_modules", "_extensions"):
        monkeypatch.setattr(TABLES, name, dict(getattr(TABLES, name)))
    folder = shutil.copytree(results, tmp_path / "run")
    (tmp_path / "toy.py").write_text(
        "import pandas as pd\n"
        "from craft.evaluation.tables import TABLES, Table\n"
        "COLUMNS = ('dataset', 'size', 'value', 'low', 'high', 'source')\n"
        "ROWS = [('chest', 1, 0.5, -0.25, 0.75, 'here'), ('skin', 2, None, None, None, 'there')]\n"
        "def make(results):\n"
        "    return pd.DataFrame(ROWS, columns=COLUMNS)\n"
        "TABLES.register('toy')(Table(make, 'sizes of toys', (), COLUMNS))\n"
    )
    run = Run.load(folder / SETTINGS)
    write_text(folder / SETTINGS, run.model_copy(update={"modules": [str(tmp_path / "toy.py")]}).to_yaml())
    write_tables(folder)
    shown = query(files_of(folder), tmp_path / "root", "<toy>")
    assert len(shown) == 1 and "Sizes of toys" in json.dumps(shown) and "0.500" in json.dumps(shown)


def test_trainings_are_described_and_their_kept_states_found(results, tmp_path):
    stage_paper(files_of(results), "", tmp_path)
    described = {entry["key"]: entry for entry in json.loads((tmp_path / "run.json").read_text())["methods"]}
    assert described["craft"]["settings"]["training"]["start"] == "lora" and described["craft"]["reward"]
    assert described["foundation"]["settings"] is None and described["real"]["name"] == "Test images"
    diversity = json.loads((tmp_path / "claims.json").read_text())["findings"]["diversity"]
    assert diversity["runs"] == 4 and diversity["stopped"] == 4


def test_histories_and_settings_must_match(results, tmp_path):
    files = files_of(results)
    with pytest.raises(CraftError, match="`--histories` 0; give one history for each"):
        compile_paper(files_of(results, histories=[]), tmp_path / "paper.pdf", "")
    assert files.histories


@pytest.mark.parametrize("source", sorted(PAPER.glob("*.typ")), ids=lambda path: path.stem)
def test_no_number_is_typed_by_hand(source):
    assert list(typed_numbers(source.read_text())) == []


def test_a_number_typed_by_hand_is_found_wherever_prose_stands():
    prose = "#let f(x) = [gain of 0.5 in #x.map(y => [#y % of 3])]\nC1 @a2024 $L_2$ `7` #v(2em) 12 %, F1 \\u{2212}"
    assert list(typed_numbers(prose)) == [(1, "0.5"), (1, "3"), (2, "12")]


def test_the_ledger_is_written_beside_the_paper_and_names_rows_jobs_and_settings(results, tmp_path):
    compile_paper(files_of(results), tmp_path / "paper.pdf", "", tmp_path / "claims.json")
    ledger = json.loads((tmp_path / "claims.json").read_text())
    claim = next(each for each in ledger["claims"] if each["id"] == "alignment.held_out.0.difference.high")
    (label,) = claim["rows"]
    file, line = label.split(":")
    cells = (results / file).read_text().splitlines()[int(line) - 1].split(",")
    row = ledger["rows"][label]
    assert cells[:2] == [row["dataset"], row["label"]] and float(cells[6]) == claim["value"] == row["value"]
    job = ledger["jobs"][row["jobs"][0]]
    assert job == {"dataset": row["dataset"], "method": "craft", "seed": 0, "settings": job["settings"]}
    assert (results / job["settings"][0]).is_file()


def test_every_number_of_the_findings_is_a_claim_with_a_source(results, tmp_path):
    stage_paper(files_of(results), "", tmp_path)
    ledger = json.loads((tmp_path / "claims.json").read_text())
    claims = {claim["id"]: claim for claim in ledger["claims"]}
    said = dict(numbers_in(ledger["findings"])) | dict(
        numbers_in(json.loads((tmp_path / "run.json").read_text()), "run")
    )
    assert {name: claim["value"] for name, claim in claims.items()} == said
    assert all(
        claim.get("rows") or claim.keys() & {"settings", "defined"} or not claim["value"] for claim in claims.values()
    )
    assert {locate(claim["defined"]) == claim["value"] for claim in claims.values() if "defined" in claim} == {True}
    assert set(ledger["rows"]) == {label for claim in claims.values() for label in claim.get("rows", ())}


def test_findings_are_worded_and_not_computed():
    for name in ("findings.typ", "limits.typ", "validity.typ"):
        text = (PAPER / name).read_text()
        assert not [word for word in COMPUTING if word in text]


def test_limits_are_those_of_the_run(results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "run")
    run = Run.load(folder / SETTINGS)
    changes = {"unnamed_patients": ["skin"], "resolution": 48}
    write_text(folder / SETTINGS, run.model_copy(update=changes).to_yaml())
    columns = ("label", "split", "images", "patients", "twins_elsewhere")
    write_csv(folder / "chest/counts.csv", pd.DataFrame([("normal", "test", 91, 90, 17)], columns=list(columns)))
    files = files_of(folder, counts=[folder / "chest/counts.csv"])
    stage_paper(files, "", tmp_path)
    text = '#import "limits.typ": *\n#metadata(repr((patients-limit, twins-limit, judges-limit, size-limit))) <said>'
    (tmp_path / "probe.typ").write_text(text)
    said = typst.query(tmp_path / "probe.typ", "<said>", field="value", root=tmp_path)
    assert all(word in said for word in ("Skin", "names", "17", "91", "48", "clip_resnet", "largest label"))
    assert "of whom none is in two splits" not in said


def test_nothing_is_called_the_truth():
    texts = [path.read_text().lower() for path in [*PAPER.glob("*.typ"), *NOTEBOOKS.glob("*.ipynb")]]
    assert not [text for text in texts if "truth" in text]


def test_missing_table_is_one_sentence(results, tmp_path):
    gone = files_of(results, tables=[tmp_path / f"{name}.csv" for name in TABLES])
    with pytest.raises(CraftError, match=r"no table \S+\.csv"):
        compile_paper(gone, tmp_path / "paper.pdf", "")
    with pytest.raises(CraftError, match=r"the table '\w+' is missing among `--tables`"):
        compile_paper(files_of(results, tables=[]), tmp_path / "paper.pdf", "")


def test_broken_source_is_reported_without_the_staging_folder(results, tmp_path):
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper/paper.typ").write_text("#nothing-of-that-name")
    with pytest.raises(CraftError, match="unknown variable") as error:
        compile_paper(files_of(results, paper=tmp_path / "paper"), tmp_path / "paper.pdf", "")
    assert "tmp/tmp" not in str(error.value)


def test_tables_in_the_paper_hold_the_numbers_of_the_csv(results, tmp_path):
    stage_paper(files_of(results), "", tmp_path)
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


@pytest.mark.parametrize("methods", [["gan"], ["gan", "colleague"]], ids=len)
def test_a_paper_of_given_images_judges_them_and_speaks_of_no_generator(methods, tmp_path):
    options = {"methods": methods, "given": tuple(methods), "controls": ("real",), "seeds": (0,), "classifier": False}
    files = files_of(make_run(tmp_path / "run", **options))
    compile_paper(files, tmp_path / "paper.pdf", "Discs play the part of real images.")
    headings = json.dumps(query(files, tmp_path / "root", "heading"))
    assert "The Clinical Alignment Score" in headings and "Reward-aligned finetuning" not in headings
    found = json.loads((tmp_path / "root/claims.json").read_text())["findings"]["given"]
    assert [(each["method"], each["dataset"]) for each in found] == [
        (method, dataset) for method in methods for dataset in ("chest", "skin")
    ]
    assert found[0]["left_out"] == {"unreadable": 2} and found[0]["read"] == 2 * 8 * 2
    assert all(found[0][name] for name in ("cas", "tail", "satisfied", "found", "recall", "copies", "use"))
