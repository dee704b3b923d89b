"""Where the numbers of a page come from."""

import json
import subprocess

import pytest

from craft.core.errors import CraftError
from craft.documentation.provenance import describe_machine, measure_jobs, read_commit


def git(folder, *words):
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_the_commit_says_whether_code_has_changed_since(tmp_path):
    assert read_commit(tmp_path) == "unknown"
    git(tmp_path, "init")
    for name in ("code.py", "README.md"):
        (tmp_path / name).write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = read_commit(tmp_path)
    assert len(commit) == 12
    (tmp_path / "README.md").write_text("two\n")
    assert read_commit(tmp_path) == commit
    (tmp_path / "code.py").write_text("two\n")
    assert read_commit(tmp_path) == f"{commit} with uncommitted changes"


def test_the_machine_is_described_in_one_line():
    assert "cores" in describe_machine()
    assert "\n" not in describe_machine()


def test_jobs_are_summed_by_rule(tmp_path):
    for name, seconds in (("score/a", 60), ("score/b/c", 30), ("train/a", 6)):
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"s": seconds, "cpu_time": seconds / 2, "max_rss": 100.4 + seconds}) + "\n")
    (tmp_path / "train/b.jsonl").write_text('{"s": 1.0, "cpu_time": "NA", "max_rss": "NA"}\n')
    jobs = measure_jobs(tmp_path)
    assert jobs.to_numpy().tolist() == [["score", 2, 1.5, 0.8, 160], ["train", 2, 0.1, 0.1, 106]]


def test_a_folder_without_measured_jobs_is_refused(tmp_path):
    with pytest.raises(CraftError, match="no benchmark files"):
        measure_jobs(tmp_path)
