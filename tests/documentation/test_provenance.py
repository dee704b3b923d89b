"""Where the numbers of a page come from."""

import json

import pytest

from craft.core.errors import CraftError
from craft.documentation.provenance import measure_jobs


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
