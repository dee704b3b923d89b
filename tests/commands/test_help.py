"""`craft --help` and the help of every command below it, at 80 columns: a map, whole sentences, examples that parse."""

import re
import shlex

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from craft.cli import ORDER, app
from craft.core.files import ROOT

TREE = get_command(app)


def commands_below(command, path=()):
    """Every command by its path, groups included."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands_below(each, (*path, name))


COMMANDS = dict(commands_below(TREE))
BELOW = [path for path in COMMANDS if path]


def help_of(path) -> str:
    """What `--help` prints on a terminal of 80 columns."""
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert result.exit_code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def words_of(text: str) -> str:
    """A text without frames and line breaks."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_nothing_is_cut_off_at_80_columns(path):
    shown = help_of(path)
    assert max(map(len, shown.splitlines())) <= 80 and "…" not in shown
    for option in COMMANDS[path].params:
        assert not option.help or set(words_of(option.help).split()) <= set(words_of(shown).split()), option.name


@pytest.mark.parametrize("path", BELOW, ids=" ".join)
def test_every_command_shows_an_example_that_parses(path):
    """On a line of its own, where it can be copied; groups show examples of what is below them."""
    lines = [line.strip() for line in help_of(path).splitlines()]
    examples = [shlex.split(line)[1:] for line in lines if line.startswith("craft ")]
    assert examples and all(tuple(words[: len(path)]) == path for words in examples)
    for words in examples:
        name = max((each for each in BELOW if tuple(words[: len(each)]) == each), key=len)
        COMMANDS[name].make_context(name[-1], words[len(name) :])


@pytest.mark.parametrize("path", BELOW, ids=" ".join)
def test_a_command_is_described_in_one_sentence(path):
    sentence = COMMANDS[path].help.split("\n\n")[0]
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "\n" not in sentence and len(sentence) <= 90


def test_the_map_has_a_place_for_every_command():
    assert set(ORDER) == set(TREE.commands)
    shown = help_of(())
    starts = [shown.index(f"│ {name} ") for name in ORDER]
    assert starts == sorted(starts) and "─ Commands ─" not in shown


def test_what_the_map_names_exists():
    """Files that it points to are there, and make and Snakemake know the targets."""
    shown = help_of(())
    assert all((ROOT / name).exists() for name in re.findall(r"(?:configs?|docs|data)[/.][\w./]*\w", shown))
    targets = re.findall(r"make (\w+)  ", shown)
    assert targets and all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)
    rules = re.findall(r"snakemake --cores all (\w+)  ", shown)
    assert rules and all(f"rule {rule}:" in (ROOT / "Snakefile").read_text() for rule in rules)
