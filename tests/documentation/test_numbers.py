"""No result is typed by hand: README.md and docs/ hold them in generated blocks only, from archived tables."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from craft.documentation.archive import ARCHIVE, Archive
from craft.documentation.markdown import BLOCK

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# generated, but of no results: the reference of keys, and files of code
NO_RESULTS = re.compile(r"<!-- generated: (keys|example_[a-z]+) .*?<!-- end of \1 -->", re.DOTALL)
CODE = re.compile(r"^```.*?^```$|^ {4}.*?$|`[^`\n]*[A-Za-z][^`\n]*`|<!--.*?-->|\]\([^)]*\)", re.DOTALL | re.MULTILINE)
# numbers that are names
NAMES = re.compile(r"Python \d+\.\d+|arXiv \d+\.\d+|Stable Diffusion \d\.\d|Apache-\d\.\d")
NUMBER = re.compile(r"(?<![\w.])(?:\d+\.\d+(?:e-?\d+)?|\d+(?= ?%))(?!\.?\w)")


def find_results(text: str) -> list[str]:
    """What looks like a result in Markdown: decimals and percentages outside of code."""
    return NUMBER.findall(NAMES.sub("", CODE.sub("", text)))


def find_typed(text: str) -> list[str]:
    """Results outside of generated blocks."""
    return find_results(BLOCK.sub("", text))


def find_generated(text: str) -> list[str]:
    """Results in generated blocks."""
    return [each for block in BLOCK.finditer(NO_RESULTS.sub("", text)) for each in find_results(block[0])]


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Every number of the archived tables and of the benchmarks' results, sorted, without signs."""
    archive = Archive.load(ARCHIVE)
    frames = [
        *archive.tables.values(),
        archive.kept,
        archive.jobs,
        archive.jobs.select_dtypes("number").sum().to_frame(),
    ]
    columns = [frame.select_dtypes("number").to_numpy(float).ravel() for frame in frames]
    files = sorted((ROOT / "benchmarks/results").glob("*.json"))
    metrics = [entry["value"] for file in files for entry in json.loads(file.read_text())["metrics"]]
    values = np.abs(np.concatenate([*columns, metrics]))
    return np.sort(values[np.isfinite(values)])


def is_held(written: str, values: np.ndarray) -> bool:
    """Whether some value rounds to a written number, as it is or as a percentage."""
    digits = len(written.partition("e")[0].partition(".")[2])
    exponent = int(written.partition("e")[2] or 0)
    half = 0.5 * 10.0 ** (exponent - digits) * (1 + 1e-6)
    for scale in (1, 100):
        low, high = (float(written) - half) / scale, (float(written) + half) / scale
        if np.searchsorted(values, low) < np.searchsorted(values, high, side="right"):
            return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_result_is_typed_by_hand(page):
    assert find_typed(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_generated_result_is_one_of_a_table(page, values):
    assert [each for each in find_generated(page.read_text()) if not is_held(each, values)] == []


@pytest.mark.parametrize(
    "planted", ["CAS rises to 0.889", "| chest_xray | 0.889 |", "37 % fewer", "of 22.7 %", "`0.889`"]
)
def test_a_planted_result_is_found(planted):
    for page in PAGES:
        assert find_typed(f"{page.read_text()}\n\n{planted}\n") == re.findall(r"[\d.]+", planted)


def test_a_planted_result_in_a_generated_block_is_found(values):
    text = (ROOT / "README.md").read_text()
    planted = text.replace("<!-- end of excerpt -->", "| fundus | 7.7654 |\n<!-- end of excerpt -->")
    assert [each for each in find_generated(planted) if not is_held(each, values)] == ["7.7654"]


def test_what_is_no_result_is_left_alone():
    text = "Python 3.11, arXiv 2605.12650, `gamma: 0.1`, [page](docs/0.5.md), 64 px, version 0.23.1\n\n    beta: 0.25\n"
    assert find_results(text) == []
    assert find_results("0.889 and 37 % and -0.25 (0.1-0.3), 2.2e-06.") == [
        "0.889",
        "37",
        "0.25",
        "0.1",
        "0.3",
        "2.2e-06",
    ]
