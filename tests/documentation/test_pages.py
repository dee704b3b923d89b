"""README.md, CONTRIBUTING.md and docs/: generated parts are up to date, the rest is short and points to what exists."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from craft.core.errors import CraftError
from craft.documentation.archive import ARCHIVE, FACTS, JOBS, KEPT, Archive
from craft.documentation.markdown import BLOCK
from craft.documentation.pages import REGISTRIES, make_pages, write_pages
from craft.documentation.picture import LARGEST, PICTURE
from craft.evaluation.tables import TABLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)\)")
# a file or folder in code, NAME and ROOM standing for a name of one's choice
NAMED = re.compile(
    r"`((?:src|docs|tests|scripts|rules|notebooks|configs|data|benchmarks|paper|profiles|envs)/[\w./-]*)`"
)


@pytest.fixture(scope="module")
def archive():
    return Archive.load()


@pytest.fixture(scope="module")
def made(archive):
    return make_pages(archive)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_parts_are_what_the_archived_run_gives(page, made):
    assert made[page] == page.read_text(), "run `make docs`"


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 700


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_point_to_what_exists(page):
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target.replace("\\", "")).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_code_exist(page):
    made_by_a_person = {"data/raw"}
    written = BLOCK.sub("", page.read_text())
    missing = [name for name in NAMED.findall(written) if not stands_for_something(name)]
    assert set(missing) - made_by_a_person == set()


@pytest.mark.parametrize("registry", [*REGISTRIES, TABLES], ids=lambda registry: registry.kind)
def test_contributing_names_the_file_of_every_registry(registry):
    """A member's module stands in the package whose `__init__.py` is the registry; tables stand in their rooms."""
    package = registry.modules()[0].rpartition(".")[0].replace(".", "/")
    file = "src/craft/evaluation/tables.py" if registry is TABLES else f"src/{package}/__init__.py"
    assert (ROOT / file).is_file()
    assert f"({file})" in (ROOT / "CONTRIBUTING.md").read_text()


def stands_for_something(name: str) -> bool:
    """Whether a file exists, or the folder of a file that someone is to add."""
    fixed = re.split(r"/[^/]*(?:NAME|ROOM)", name)[0]
    return (ROOT / fixed).exists()


def test_the_archive_is_small_and_holds_nothing_else():
    files = {path.name: path.stat().st_size for path in ARCHIVE.iterdir()}
    assert set(files) <= {*(f"{name}.csv" for name in TABLES), FACTS, KEPT, JOBS}
    assert sum(files.values()) < 2_000_000


def test_the_picture_is_small_and_wide_enough_to_read():
    assert PICTURE.stat().st_size <= LARGEST
    assert Image.open(PICTURE).width >= 1000


def test_pages_are_written_only_where_they_change(archive, tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    assert write_pages(archive, tmp_path) == []
    readme = tmp_path / "README.md"
    readme.write_text(re.sub(r"\| fundus .*\n", "", readme.read_text()))
    assert write_pages(archive, tmp_path) == [readme]
    assert readme.read_text() == (ROOT / "README.md").read_text()


def test_a_page_with_an_unknown_block_is_refused(archive, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "CONTRIBUTING.md").write_text("")
    (tmp_path / "README.md").write_text("<!-- generated: nothing (make docs) -->\n<!-- end of nothing -->\n")
    with pytest.raises(CraftError, match=r"README.md: nothing makes the block 'nothing'; write one of facts"):
        make_pages(archive, tmp_path)
