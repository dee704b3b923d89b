"""`craft knowledge`: what it prints, what it writes and how it ends."""

import sys
from pathlib import Path

import pytest
import yaml
from endpoint import Endpoint, completion

from craft.cli import main
from craft.core.errors import CraftError
from craft.knowledge.schema import Knowledge

ROOT = Path(__file__).parents[2]
BANK = ROOT / "data/knowledge/fundus.yaml"


@pytest.fixture
def craft(monkeypatch, capsys):
    """Runs the command in the repository's folder; returns its exit code, its output and its complaints."""
    monkeypatch.chdir(ROOT)

    def craft(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["craft", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return craft


@pytest.fixture
def faulty(tmp_path) -> Path:
    """The fundus knowledge with one description that no image shows, and one label fewer."""
    raw = yaml.safe_load(BANK.read_text())
    raw["labels"]["no_dr"]["descriptions"][0] = (
        "colour fundus photograph with no diabetic retinopathy and a long history"
    )
    raw["labels"].pop("grade_4")
    (tmp_path / "faulty.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    return tmp_path / "faulty.yaml"


def test_write_takes_the_labels_from_the_bank(craft, tmp_path):
    code, out, _ = craft("knowledge", "write", "fundus", "no_dr", "proliferative_dr", "--output", tmp_path / "k.yaml")
    assert code == 0 and "(2 labels)" in out
    assert list(Knowledge.load(tmp_path / "k.yaml").labels) == ["no_dr", "proliferative_dr"]
    assert (tmp_path / "k.provenance.json").is_file()


def test_write_does_not_replace_a_file_unless_told_to(craft, tmp_path):
    (tmp_path / "k.yaml").write_text("reviewed")
    arguments = ["knowledge", "write", "fundus", "no_dr", "--output", tmp_path / "k.yaml"]
    code, _, err = craft(*arguments)
    assert code == 2 and "exists already" in err and (tmp_path / "k.yaml").read_text() == "reviewed"
    assert craft(*arguments, "--force")[0] == 0


def test_write_asks_the_model_of_a_configuration(craft, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_KEY", "key")
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["knowledge"] = {"provider": "openai", "model": "toy", "key_variable": "TOY_KEY", "re_asks": 0}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(raw))
    entry = Knowledge.load(BANK).labels["no_dr"].model_dump(mode="json", exclude={"name"})
    faulty = entry | {"descriptions": [*entry["descriptions"], "colour fundus photograph, a long family history"]}
    with Endpoint(completion(entry), completion(faulty)) as endpoint:
        shared = [
            "knowledge",
            "write",
            "fundus",
            "no_dr",
            "--config",
            tmp_path / "run.yaml",
            "--base-url",
            endpoint.url,
        ]
        assert craft(*shared, "--cache", tmp_path / "one", "--output", tmp_path / "a.yaml")[0] == 0
        code, out, err = craft(*shared, "--cache", tmp_path / "two", "--output", tmp_path / "b.yaml")
    assert code == 1 and "b.yaml:" in out and "history" in out and "1 finding" in err
    assert Knowledge.load(tmp_path / "b.yaml"), "the file is there to be mended by hand"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["write", "fundus", "unicorn", "--output", "{tmp}/k.yaml"], "no entry for label 'unicorn'"),
        (["write", "fundus", "--provider", "openai", "--output", "{tmp}/k.yaml"], "needs a model"),
        (
            ["write", "fundus", "--config", "{tmp}/no.yaml", "--output", "{tmp}/k.yaml"],
            "cannot be read as YAML",
        ),
        (["lint", "{tmp}/no.yaml"], "no knowledge file"),
        (["diff", "{tmp}/no.yaml"], "no knowledge file"),
        (["review", "{tmp}/no.yaml", "--output", "{tmp}/pages"], "no knowledge file"),
    ],
)
def test_a_users_mistake_ends_with_one_sentence_and_code_two(craft, tmp_path, arguments, sentence):
    code, _, err = craft("knowledge", *(argument.format(tmp=tmp_path) for argument in arguments))
    assert code == 2 and sentence in err
    assert len([line for line in err.splitlines() if line.startswith("craft: ")]) == 1 and "Traceback" not in err


def test_lint_prints_every_finding_with_its_place_and_ends_with_code_one(craft, faulty):
    code, out, err = craft("knowledge", "lint", faulty)
    (line,) = out.splitlines()
    assert code == 1 and line.startswith(f"{faulty}:") and ": no_dr: 'history' cannot be seen" in line
    assert "1 finding in 1 file" in err
    assert craft("knowledge", "lint", BANK) == (0, "nothing found in 1 file\n", "")


def test_lint_measures_texts_against_the_window_given(craft):
    code, out, _ = craft("knowledge", "lint", BANK, "--window", 10)
    assert code == 1 and "the text window holds 10" in out


def test_diff_shows_what_changes_against_the_bank(craft, faulty):
    count = len(Knowledge.load(BANK).labels)
    code, out, _ = craft("knowledge", "diff", faulty)
    assert code == 0 and f"2 of {count} labels differ" in out
    assert "\nno_dr\n  descriptions: 1 changed\n   ~- colour" in out and "\n   ~+ colour fundus" in out
    assert "grade_4 (removed)" in out and "\x1b" not in out
    assert f"0 of {count} labels differ" in craft("knowledge", "diff", BANK, BANK)[1]


def test_review_writes_a_page_for_each_label(craft, faulty, tmp_path):
    code, out, _ = craft("knowledge", "review", faulty, "--output", tmp_path / "pages")
    assert code == 0 and f"wrote {len(Knowledge.load(faulty).labels) + 1} pages" in out
    assert (tmp_path / "pages/no_dr.html").is_file() and (tmp_path / "pages/index.html").is_file()


def test_craft_names_its_commands(craft):
    code, out, _ = craft("knowledge", "--help")
    assert code == 0 and all(name in out for name in ("write", "lint", "diff", "review"))


def test_new_writes_a_commented_file_that_no_run_takes_before_it_is_filled_in(craft, tmp_path):
    file = tmp_path / "bank" / "ultrasound.yaml"
    code, out, _ = craft("knowledge", "new", "ultrasound", "benign", "malignant_mass", "--output", file)
    assert code == 0 and str(file) in out and "# " in file.read_text()
    raw = yaml.safe_load(file.read_text())
    assert raw["modality"] == "ultrasound" and list(raw["labels"]) == ["benign", "malignant_mass"]
    with pytest.raises(CraftError, match="at least 12 characters"):
        Knowledge.load(file)
    for number, key in enumerate(raw["labels"]):
        label = raw["labels"][key]
        label["definition"] = label["prompt"] = f"an ultrasound of a mass, {key}"
        label["descriptions"] = [f"an ultrasound, view {n} of {key}" for n in range(len(label["descriptions"]))]
        label["checklist"] = [
            item | {"present": f"sign {n} is seen in {number}", "absent": f"sign {n} is not seen in {number}"}
            for n, item in enumerate(label["checklist"])
        ]
    raw["coarse_prompts"] = ["an ultrasound image of the breast", "a grey ultrasound image"]
    assert list(Knowledge.model_validate(raw).labels) == ["benign", "malignant_mass"]
    code, _, err = craft("knowledge", "new", "ultrasound", "benign", "--output", file)
    assert code == 2 and "exists already" in err


@pytest.mark.parametrize("key", ["../up", "index", "Benign", "a b"])
def test_new_refuses_what_is_no_key(craft, tmp_path, key):
    code, _, err = craft("knowledge", "new", "ultrasound", key, "--output", tmp_path / "k.yaml")
    assert code == 2 and repr(key) in err and not list(tmp_path.iterdir())
