"""Where the numbers of a page come from: the day of a run, and what its jobs took."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError

JOB_COLUMNS = ("rule", "jobs", "minutes", "cpu_minutes", "peak_mb")


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
