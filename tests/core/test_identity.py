"""Import closures: what they find and what they leave out."""

import json

import pytest

from craft.core import identity
from craft.core.identity import notebook_closure, source_closure


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one script, one notebook and a package whose modules import each other."""
    files = {
        "scripts/job.py": "import json\n\ndef main():\n    from pack.upper import work\n",
        "src/pack/__init__.py": "",
        "src/pack/upper.py": "import numpy\nfrom pack import lower\n",
        "src/pack/lower.py": "X = 1\n",
        "src/pack/unused.py": "X = 1\n",
    }
    cells = [
        {"cell_type": "markdown", "source": ["import nothing"]},
        {"cell_type": "code", "source": ["import math\n", "from pack.lower import X\n"]},
    ]
    files["notebooks/figure.ipynb"] = json.dumps({"cells": cells})
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    cached = [each for each in vars(identity).values() if hasattr(each, "cache_clear")]
    for function in cached:
        function.cache_clear()
    yield tmp_path
    for function in cached:
        function.cache_clear()


def test_closure_follows_imports_inside_functions_and_modules_and_stays_in_the_repository(repository):
    assert source_closure("job") == ("scripts/job.py", "src/pack/__init__.py", "src/pack/lower.py", "src/pack/upper.py")


def test_what_a_job_finds_by_name_belongs_to_its_closure(repository, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("from pack.upper import Y\n")
    (repository / "scripts/alone.py").write_text("import math\n")
    assert source_closure("alone") == ("scripts/alone.py",)
    assert "src/pack/lower.py" in source_closure("alone", ["pack.lower"])
    assert {str(mine), "src/pack/upper.py"} <= set(source_closure("alone", [str(mine)]))
    before = identity.hash_code("alone", (str(mine),))
    identity.hash_code.cache_clear()
    mine.write_text("from pack.upper import Y as Z\n")
    assert identity.hash_code("alone", (str(mine),)) != before


def test_closure_of_a_notebook_reads_its_code_cells_only(repository):
    assert notebook_closure("figure") == ("src/pack/__init__.py", "src/pack/lower.py")


def test_what_the_package_offers_belongs_to_no_job():
    files = source_closure("prepare_images")
    assert "src/craft/__init__.py" in files and "src/craft/evaluation/scoring/score.py" not in files
