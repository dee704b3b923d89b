"""Two runs in one results folder: the second changes nothing, and a killed one stops nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from craft.core.errors import CraftError
from craft.pipeline.claim import claim_run, clear_locks

HOLD = (
    "import sys; from pathlib import Path; from craft.pipeline.claim import claim_run\n"
    "claim = claim_run(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
)


@pytest.fixture
def first(tmp_path, monkeypatch):
    """Another process that holds the results folder."""
    monkeypatch.chdir(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD, "results"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "ready\n"
    yield run
    run.kill()
    run.wait()


def test_a_second_run_leaves_the_files_of_the_first_alone(first):
    settings = Path("results/settings.yaml")
    settings.write_text("steps: 3\n")
    second = claim_run(Path("results"))
    second.write(settings, "steps: 3\n")
    with pytest.raises(CraftError, match=r"another run works in results, .* change its results/settings\.yaml"):
        second.write(settings, "steps: 5\n")
    with pytest.raises(CraftError, match="another run works"):
        second.write(Path("results/new.yaml"), "x")
    assert settings.read_text() == "steps: 3\n" and not Path("results/new.yaml").exists()


def test_a_job_of_a_run_writes_and_claims_nothing(first):
    claim_run(Path("results"), job=True).write(Path("results/new.yaml"), "x")
    assert not Path("results/new.yaml").exists()


def test_after_a_kill_the_next_run_writes_and_the_lock_of_snakemake_is_gone(first):
    locks = Path(".snakemake/locks")
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/a.txt\nresults/b.txt")
    claim_run(Path("results"))
    assert (locks / "0.output.lock").is_file(), "the first run lives"
    first.kill()
    first.wait()
    claim_run(Path("results")).write(Path("results/new.yaml"), "x")
    assert Path("results/new.yaml").read_text() == "x" and not list(locks.iterdir())


def test_the_locks_of_a_run_with_other_results_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "0.output.lock").write_text("results-other/a.txt")
    (locks / "1.input.lock").write_text(f"scripts/x.py\n{tmp_path}/results/a.txt")
    clear_locks(Path("results"), locks)
    assert [lock.name for lock in locks.iterdir()] == ["0.output.lock"]


def test_results_that_cannot_be_made_get_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CraftError, match=r"nothing can be written to .*file"):
        claim_run(tmp_path / "file")
