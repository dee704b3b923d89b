"""What tests of a user's own things share: a file of theirs, a configuration that names it, and scripts as jobs run."""

import json
from pathlib import Path

import pytest
import typst
import yaml
from conftest import nothing_loaded
from fake_results import make_results
from in_process import run_script

from craft.core.settings import JobSettings
from craft.evaluation.reporting.paper import PaperFiles, compile_paper, stage_paper
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import write_settings

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"ablations": None, "reader_study": None}
DEFAULT["datasets"] = {"dermoscopy": DEFAULT["datasets"]["dermoscopy"]}


@pytest.fixture(scope="module")
def extension(request, tmp_path_factory) -> str:
    """The path of a user's own file, which holds the test module's `CODE`."""
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(request.module.CODE)
    return str(path)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The results folder of the test module's configurations."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def configure(extension, results):
    """A function: changes of sections of the default run of one dataset -> a raw configuration with the user's file."""

    def change(**changes) -> dict:
        merged = {
            key: {**DEFAULT[key], **value} if isinstance(DEFAULT.get(key), dict) else value
            for key, value in changes.items()
        }
        return DEFAULT | {"results": str(results), "extensions": [extension]} | merged

    return change


@pytest.fixture(scope="module")
def resolve(configure, results):
    """A function: changes of the configuration -> its jobs by the paths of their settings below the results.

    The settings are written; those of every job load in a process that has loaded nothing else.
    """

    def write(**changes) -> dict[str, JobSettings]:
        jobs = write_settings(validate_config(configure(**changes)))
        for name, job in jobs.items():
            with nothing_loaded():
                assert type(job).load(results / name).to_yaml() == job.to_yaml()
        return jobs

    return write


@pytest.fixture(scope="module")
def dependents(extension):
    """A function: jobs -> the paths of the settings of those that depend on the user's file."""
    return lambda jobs: {name for name, job in jobs.items() if extension in job.modules}


@pytest.fixture(scope="session")
def run_job():
    """A function: name and arguments of a script, which runs as a job that has loaded nothing else."""

    def run(name: str, *arguments) -> None:
        with nothing_loaded():
            done = run_script(name, *arguments)
        assert done.returncode == 0, done.stderr

    return run


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A small results folder, as far as tables and figures read it; tests must not change it."""
    folder = tmp_path_factory.mktemp("run")
    make_results(folder, labels={"skin": ["naevus", "melanoma"]}, seeds=(0,), per_label=6)
    return folder


@pytest.fixture
def find_in_paper(tmp_path):
    """A function: a Typst selector and the files of a paper -> what it finds there; the paper compiles to a PDF too."""

    def find(selector: str, files: PaperFiles) -> list:
        compile_paper(files, tmp_path / "paper.pdf", "")
        assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
        (tmp_path / "staged").mkdir()
        stage_paper(files, "", tmp_path / "staged")
        return json.loads(typst.query(tmp_path / "staged/paper.typ", selector, root=tmp_path / "staged"))

    return find
