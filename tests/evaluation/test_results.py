"""Files of a run: read in the order of the configuration, once, and only those that may be read."""

from pathlib import Path

import pandas as pd
import pytest
from fake_results import LABELS, METHODS

from craft.core.errors import CraftError
from craft.core.files import write_parquet, write_text
from craft.core.settings import DECODED, REAL, ImageSet
from craft.evaluation.results import SETTINGS, ResultFile, Results, set_file
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.settings import Run, ScoringSettings


def refuse_negative(frame: pd.DataFrame, path: Path) -> None:
    if (frame["size"] < 0).any():
        raise CraftError(f"{path}: a size is negative")


BY_DATASET = ResultFile("sizes.parquet", "measure_sizes", ("name", "size"), refuse_negative)
BY_SET = ResultFile("marks.parquet", "mark_images", lambda: ("name", "size"), by_image_set=True)


@pytest.fixture
def results(tmp_path):
    """A run of two datasets, of which every file holds its own path below the folder."""
    run = Run(
        datasets={"skin": ["naevus", "melanoma"], "chest": ["normal", "effusion"]},
        methods=["lora", "craft"],
        rewarded=["craft"],
        seeds=[3, 1],
        scoring=ScoringSettings(),
    )
    write_text(tmp_path / SETTINGS, run.to_yaml())
    results = Results.load(tmp_path)
    for file in (BY_DATASET, BY_SET):
        for dataset in run.datasets:
            for path in results.paths(file, dataset):
                name = str(path.relative_to(tmp_path))
                write_parquet(path, pd.DataFrame({"size": [1], "further": ["x"], "name": [name]}))
    return results


def test_a_results_folder_says_what_its_run_consists_of(results):
    assert results.run.baselines == ["lora"] and list(results.run.datasets) == ["skin", "chest"]


def test_a_folder_without_a_run_is_one_sentence(tmp_path):
    with pytest.raises(CraftError, match=r"no settings file .*collect_tables\.yaml"):
        Results.load(tmp_path)


def test_files_are_read_in_the_order_of_the_configuration_and_of_their_columns(results):
    assert results.read(BY_DATASET)["name"].tolist() == ["skin/sizes.parquet", "chest/sizes.parquet"]
    sets = ["real/seed0", "decoded/seed0", "lora/seed3", "lora/seed1", "craft/seed3", "craft/seed1"]
    expected = [f"{dataset}/{each}/marks.parquet" for dataset in ("skin", "chest") for each in sets]
    assert results.read(BY_SET)["name"].tolist() == expected
    assert tuple(results.read(BY_SET)) == ("name", "size")


def test_the_real_test_images_are_the_first_image_sets(results):
    controls = [ImageSet(method=name, seed=0) for name in (REAL, DECODED)]
    assert results.image_sets()[:3] == [*controls, ImageSet(method="lora", seed=3)]
    assert set_file("skin", "lora", "*", "marks.parquet") == "skin/lora/seed*/marks.parquet"


def test_a_file_is_read_once(results):
    first = results.read(BY_SET)
    for path in results.paths(BY_SET, "skin"):
        path.unlink()
    assert results.read(BY_SET) is first and results.limited_to([BY_SET]).read(BY_SET) is first


def test_only_files_that_a_table_names_may_be_read(results):
    limited = results.limited_to([BY_SET])
    assert len(limited.read(BY_SET)) == 12
    with pytest.raises(ValueError, match=r"sizes\.parquet is not among the files"):
        limited.read(BY_DATASET)


def test_a_missing_file_is_an_error_or_left_out(results):
    path = results.paths(BY_SET, "chest")[1]
    path.unlink()
    with pytest.raises(CraftError, match=rf"no table {path}: run `snakemake {path}` first"):
        results.read(BY_SET)
    assert len(results.read(BY_SET, missing="skip")) == 11


def test_without_any_file_a_table_still_has_its_columns(tmp_path, results):
    nothing = Results(tmp_path / "elsewhere", results.run).read(BY_SET, missing="skip")
    assert nothing.empty and tuple(nothing) == ("name", "size")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda frame: frame.drop(columns="size"), "the column 'size' is missing"),
        (lambda frame: frame.iloc[:0], "has no row; run `snakemake --forcerun measure_sizes`"),
        (lambda frame: frame.assign(size=-1), "a size is negative"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_it(results, change, finding):
    path = results.paths(BY_DATASET, "chest")[0]
    write_parquet(path, change(pd.read_parquet(path)))
    with pytest.raises(CraftError, match=finding) as error:
        results.read(BY_DATASET)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_scores_of_a_run_are_there_for_every_dataset_and_image_set(fake_run):
    scores = Results.load(fake_run[0]).read(SCORES)
    assert scores["dataset"].drop_duplicates().tolist() == list(LABELS)
    assert scores["method"].drop_duplicates().tolist() == [REAL, DECODED, *METHODS]
