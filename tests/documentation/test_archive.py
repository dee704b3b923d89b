"""The archive: the tables of a run, digit by digit, with where they come from."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from craft.core.errors import CraftError
from craft.documentation.archive import ARCHIVE, FACTS, JOBS, KEPT, Archive, archive_run
from craft.evaluation.tables import TABLES
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import write_settings

ROOT = Path(__file__).parents[2]
FACTS_GIVEN = {"configuration": "config.yaml", "commit": "0123456789ab", "machine": "a machine"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A results folder of the default configuration, with the archived tables and one short history for each run."""
    results = tmp_path_factory.mktemp("results")
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"results": str(results)}
    config = validate_config(raw)
    write_settings(config)
    for name, table in TABLES.items():
        path, young = ARCHIVE / f"{name}.csv", pd.DataFrame(columns=list(table.columns))
        frame = pd.read_csv(path, dtype=str, keep_default_na=False) if path.is_file() else young
        frame.assign(source="a/file.parquet").to_csv(results / f"tables/{name}.csv", index=False)
    steps = {"step": [0, 10], "monitor": [0.4, 0.6], "best": [False, True], "stopped_because": [None, "enough"]}
    history = pd.DataFrame(steps | {"diversity": [2.0, 1.5], "semantic_diversity": [1.0, 0.25]})
    for dataset in config.datasets:
        history.to_parquet(results / dataset / "craft/seed0/history.parquet")
    measured = results / "benchmarks/score_images/fundus.jsonl"
    measured.parent.mkdir(parents=True)
    measured.write_text(json.dumps({"s": 90.0, "cpu_time": 60.0, "max_rss": 512.0}) + "\n")
    return results, config


def test_a_run_is_archived_digit_by_digit(finished, tmp_path):
    results, config = finished
    archive_run(results, config, FACTS_GIVEN, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*(f"{name}.csv" for name in TABLES), FACTS, KEPT, JOBS}
    for path in ARCHIVE.glob("*.csv"):
        if path.stem in TABLES:
            assert (tmp_path / path.name).read_text() == path.read_text()


def test_an_archive_says_where_it_comes_from(finished, tmp_path):
    results, config = finished
    archive_run(results, config, FACTS_GIVEN, tmp_path)
    archive = Archive.load(tmp_path)
    assert (archive.facts.commit, archive.facts.machine) == ("0123456789ab", "a machine")
    assert archive.facts.notice == config.notice
    assert list(archive.run.datasets) == list(config.datasets)
    assert archive.run.modules == []
    assert archive.kept[["step", "stopped", "diversity", "semantic_diversity"]].to_numpy().tolist() == [
        [10, True, 0.75, 0.25]
    ] * len(config.datasets)
    assert archive.jobs.to_numpy().tolist() == [["score_images", 1, 1.5, 1.0, 512]]


def test_a_run_of_another_configuration_is_refused(finished, tmp_path):
    results, config = finished
    other = config.model_copy(update={"seeds": [0, 1]})
    with pytest.raises(CraftError, match=r"a run of another configuration, their seeds differ: .*`--config`"):
        archive_run(results, other, FACTS_GIVEN, tmp_path)


def test_an_unfinished_run_is_refused(finished, tmp_path):
    results, config = finished
    part = tmp_path / "part"
    shutil.copytree(results, part)
    (part / "tables/tail.csv").unlink()
    with pytest.raises(CraftError, match=r"no table .*tables/tail.csv"):
        archive_run(part, config, FACTS_GIVEN, tmp_path / "archive")


def test_a_folder_without_an_archive_is_refused(tmp_path):
    with pytest.raises(CraftError, match=r"no archived run in .*: run `craft docs --results"):
        Archive.load(tmp_path)
