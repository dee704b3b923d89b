"""Where a file comes from."""

import subprocess

from craft.core.origin import describe_machine, read_commit


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
