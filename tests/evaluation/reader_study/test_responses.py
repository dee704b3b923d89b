"""Files that readers hand in: what cannot be right is one sentence, and nothing is written."""

import json
from pathlib import Path

import pandas as pd
import pytest
from fake_study import prefers, write_response, write_study

from craft.cli import app
from craft.core.cli import run_app
from craft.core.errors import CraftError
from craft.core.files import write_csv
from craft.evaluation.reader_study.responses import read_key, read_responses
from craft.evaluation.reader_study.results import STUDY_COLUMNS
from craft.evaluation.reporting.paper import stage_study


@pytest.fixture
def handed_in(study, tmp_path):
    """Writes the file of a reader with changes to its top level."""

    def write(name: str = "anna", file: str = "", **changes) -> Path:
        return write_response(tmp_path / f"{file or name}.json", study[1], name, prefers("craft"), **changes)

    return write


def command(monkeypatch, *arguments: object) -> int:
    """Exit code of the command line."""
    monkeypatch.setattr("sys.argv", ["craft", "study", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    return ended.value.code or 0


def answer(**changes) -> dict:
    return {"preference": "left", "confidence": 3, "realism": None, "items": [], "seconds": 1.0} | changes


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"study": "0123456789abcdef"}, "holds answers to the study '0123456789abcdef', and the key is that of"),
        ({"answers": {"f" * 16: answer()}}, "answers the pair 'ffffffffffffffff', which the study does not have"),
        ({"answers": {}}, "holds no answer; leave it out"),
        ({"answers": {"x": answer(preference="both")}}, "is not a reader's answers: at 'answers.x.preference'"),
        ({"answers": {"x": answer(confidence=6)}}, "at 'answers.x.confidence'"),
        ({"answers": {"x": answer(seconds=float("nan"))}}, "at 'answers.x.seconds'"),
        ({"reader": "../anna"}, "at 'reader'"),
        ({"version": 2}, "at 'version'"),
        ({"format": "something-else"}, "at 'format'"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence(study, handed_in, changes, sentence):
    path = handed_in(file="file", **changes)
    with pytest.raises(CraftError) as error:
        read_responses(read_key(study[0] / "key.json"), [path])
    assert sentence in str(error.value) and str(path.name) in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "\0\1\2", '{"answers": 5}'])
def test_damaged_files_are_one_sentence(study, tmp_path, text):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(CraftError, match=r"file\.json"):
        read_responses(read_key(study[0] / "key.json"), [tmp_path / "file.json"])
    with pytest.raises(CraftError, match=r"file\.json"):
        read_key(tmp_path / "file.json")


def test_two_files_of_one_reader_are_refused(study, handed_in):
    paths = [handed_in("anna", "one"), handed_in("anna", "two")]
    with pytest.raises(CraftError, match=r"one\.json and \S+two\.json are both of the reader 'anna'"):
        read_responses(read_key(study[0] / "key.json"), paths)


def test_the_command_ends_with_one_sentence_and_writes_nothing(study, handed_in, tmp_path, monkeypatch, capsys):
    good, bad, output = handed_in("anna"), handed_in("bert", study="another"), tmp_path / "output"
    assert command(monkeypatch, "analyse", study[0] / "key.json", good, bad, "--output", output) == 2
    said = capsys.readouterr()
    assert said.err.startswith("craft: ") and said.err.count("\n") == 1 and not said.out
    assert not output.exists()
    assert command(monkeypatch, "analyse", tmp_path / "nowhere.json", good, "--output", output) == 2
    assert command(monkeypatch, "analyse", study[0] / "key.json", tmp_path / "nowhere.json", "--output", output) == 2
    assert not output.exists()


def test_the_command_writes_a_table_and_a_figure_and_names_who_failed(study, handed_in, tmp_path, monkeypatch, capsys):
    careless = write_response(tmp_path / "bert.json", study[1], "bert", lambda pair, number: pair["damaged"] or "left")
    output = tmp_path / "output"
    assert command(monkeypatch, "analyse", study[0] / "key.json", handed_in("anna"), careless, "--output", output) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "analysis.csv",
        "analysis.pdf",
        "analysis.png",
        "analysis.svg",
    ]
    said = capsys.readouterr()
    assert "reader bert failed 100% of 3 attention checks: left out" in said.err
    assert "win_rate" in said.out and "reader anna: 19 of 19 pairs answered" in said.out


def test_without_an_output_the_analysis_lies_beside_the_key(tmp_path, monkeypatch):
    key = write_study(tmp_path, repeats=0)
    path = write_response(tmp_path / "answers/anna.json", key, "anna", prefers("craft"))
    assert command(monkeypatch, "analyse", tmp_path / "key.json", path) == 0
    assert (tmp_path / "analysis.csv").is_file()


def test_some_answers_are_enough(study, handed_in):
    raw = json.loads(handed_in("anna").read_text())
    first = dict(list(raw["answers"].items())[:1])
    (found,) = read_responses(read_key(study[0] / "key.json"), [handed_in("anna", answers=first)])
    assert len(found.answers) == 1


def test_the_plan_says_how_many_pairs_and_answers(monkeypatch, capsys):
    assert command(monkeypatch, "plan", "--rate", 0.65, "--readers", 3, "--no-difference", 0.2) == 0
    said = capsys.readouterr().out
    assert said.startswith("97 choices find a share of 0.65 with a power of 0.8 or more (alpha 0.05).")
    # 97 * (1 + 2 * 0.5) / (3 * 0.8) = 80.8
    assert "81 pairs" in said and "243 answers" in said
    assert command(monkeypatch, "plan", "--rate", 0.5) == 2
    assert "further from 0.5" in capsys.readouterr().err


def test_an_analysis_that_the_paper_cannot_show_is_one_sentence(tmp_path):
    write_csv(tmp_path / "other.csv", pd.DataFrame({"a": [1]}))
    (tmp_path / "damaged.csv").write_bytes(b"\xff\xfe\0")
    for name in ("other.csv", "damaged.csv", "nowhere.csv"):
        with pytest.raises(CraftError, match=name):
            stage_study(tmp_path / name, tmp_path / "study.csv")
    stage_study(None, tmp_path / "study.csv")
    assert list(pd.read_csv(tmp_path / "study.csv")) == list(STUDY_COLUMNS)
