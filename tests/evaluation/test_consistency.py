"""Tables of a run that cannot be: cells of another kind, repeated rows, strangers, and a CAS that does not follow."""

import numpy as np
import pandas as pd
import pytest
from fake_results import make_results

from craft.core.errors import CraftError
from craft.evaluation.consistency import find_wrong_cell
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.tables import collect_tables

SCORES, FIDELITY = "skin/craft/seed0/scores.parquet", "skin/fidelity.parquet"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small finished run; a test puts back what it changed."""
    folder = tmp_path_factory.mktemp("run")
    run = make_results(folder, seeds=(0,), per_label=4)
    scoring = run.scoring.model_copy(update={"bootstrap": 10, "comparison_resamples": 20})
    (folder / SETTINGS).write_text(run.model_copy(update={"scoring": scoring}).to_yaml())
    return folder


def with_cell(column, value, row=0):
    """A change: one cell of a frame."""

    def change(frame):
        frame = frame.astype({column: object})
        frame.at[row, column] = value
        return frame

    return change


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (FIDELITY, lambda frame: pd.concat([frame, frame]), "rows stand there twice"),
        (SCORES, with_cell("cas", 0.123), "does not follow from its dimensions"),
        (SCORES, with_cell("plain_mean", 0.123), "the plain_mean of image .* does not follow"),
        (SCORES, lambda frame: frame[frame["evaluator"] != "clip_bit"], "no row of the evaluator 'clip_bit'"),
        (SCORES, lambda frame: frame.iloc[1:], "scored different numbers of images"),
        (SCORES, lambda frame: frame.assign(label="wart"), "'label' holds 'wart', which is not of this run"),
        (SCORES, lambda frame: frame.assign(method="lora"), "'method' holds 'lora', which is not of this run"),
        (SCORES, lambda frame: frame.assign(seed=7), "'seed' does not hold 0 alone"),
        (SCORES, lambda frame: frame.assign(dataset="chest"), "'dataset' holds 'chest', which is not of this run"),
        (SCORES, lambda frame: frame.assign(cas=frame["cas"].astype(str)), "'cas' holds .*, expected a number"),
        (SCORES, lambda frame: frame.assign(seed=0.5), "'seed' holds 0.5, expected a whole number"),
        (FIDELITY, lambda frame: frame.assign(evaluator="who"), "'evaluator' holds 'who', which is not of this run"),
        (FIDELITY, lambda frame: frame.assign(value=np.inf), "'value' holds inf, expected a number"),
        (
            FIDELITY,
            lambda frame: frame.assign(resamples="text"),
            "'resamples' holds 'text', expected a list",
        ),
        (FIDELITY, lambda frame: frame.assign(metric=None), "'metric' holds None, expected text"),
        (
            "skin/downstream.parquet",
            lambda frame: frame.assign(predicted="wart"),
            "'predicted' holds 'wart', which is not of this run",
        ),
    ],
)
def test_a_table_that_cannot_be_is_one_sentence(finished, file, change, said):
    path = finished / file
    whole = path.read_bytes()
    try:
        change(pd.read_parquet(path)).to_parquet(path, index=False)
        with pytest.raises(CraftError, match=said) as caught:
            collect_tables(Results.load(finished))
        assert file in str(caught.value)
    finally:
        path.write_bytes(whole)


def test_a_whole_run_is_collected(finished):
    assert not any(table.empty for name, table in collect_tables(Results.load(finished)).items() if name != "given")


def test_a_column_of_another_name_holds_one_kind():
    assert find_wrong_cell(pd.DataFrame({"mine": ["a", "b"], "size": [1.0, np.nan]})) is None
    assert "expected str as in its first row" in find_wrong_cell(pd.DataFrame({"mine": ["a", 1]}, dtype=object))
    assert "expected a number" in find_wrong_cell(pd.DataFrame({"size": [1.0, "b"]}, dtype=object))
