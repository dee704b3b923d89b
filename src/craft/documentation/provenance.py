"""Where the numbers of a page come from: the commit, the machine and the day of a run, and what its jobs took."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.core.files import ROOT

JOB_COLUMNS = ("rule", "jobs", "minutes", "cpu_minutes", "peak_mb")
# what the pages themselves are, which no result depends on
PAGES = (":!README.md", ":!CONTRIBUTING.md", ":!docs")
CPU_INFO = Path("/proc/cpuinfo")


def read_commit(root: Path = ROOT) -> str:
    """The commit of a working tree, and whether code has changed since; "unknown" where there is no git."""
    try:
        commit = ask_git(root, "rev-parse", "--short=12", "HEAD")
        changed = ask_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *PAGES)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with uncommitted changes" if changed else commit


def ask_git(root: Path, *words: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout.strip()


def describe_machine() -> str:
    """Processor, cores and GPUs of this machine in one line."""
    import torch

    named = [line.partition(":")[2].strip() for line in read_cpu_info() if line.startswith("model name")]
    processor = named[0] if named else platform.processor() or "processor"
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    kind = platform.machine()
    return f"{processor} ({kind}), {os.cpu_count()} cores, {', '.join(gpus) or 'no GPU'}"


def read_cpu_info() -> list[str]:
    """What Linux says of the processor, line by line; nothing elsewhere."""
    return CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.is_file() else []


def date_of(path: Path) -> str:
    """Day on which a file was written, UTC."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def measure_jobs(benchmarks: Path) -> pd.DataFrame:
    """What the jobs of a run took, one row per rule, in the columns `JOB_COLUMNS`.

    Args:
        benchmarks: Snakemake's benchmark files, `<rule>/*.jsonl`, one line for every repetition.

    Raises:
        CraftError: if there are none.
    """
    rows = []
    for rule in sorted(path for path in Path(benchmarks).glob("*") if path.is_dir()):
        files = sorted(rule.rglob("*.jsonl"))
        if files:
            # a job that ended before it was first looked at has no figures but its time
            jobs = pd.concat([pd.read_json(file, lines=True, dtype=False).tail(1) for file in files])
            jobs = jobs[["s", "cpu_time", "max_rss"]].apply(pd.to_numeric, errors="coerce")
            minutes = [round(float(jobs[column].sum()) / 60, 1) for column in ("s", "cpu_time")]
            rows.append([rule.name, len(files), *minutes, round(float(jobs["max_rss"].max()))])
    if not rows:
        raise CraftError(f"no benchmark files in {benchmarks}: give the results folder of a finished run")
    return pd.DataFrame(rows, columns=list(JOB_COLUMNS))
