"""The measuring of a dataset: whose images, how many, once each, and what a modality without biomarkers gets."""

import numpy as np
import pytest
from anatomies import draw_phantoms
from in_process import run_script

from craft.core.errors import CraftError
from craft.core.images import decode_images, image_row, read_images, write_images
from craft.core.settings import ImageSet
from craft.evaluation.biomarkers.measure import limit_images, measure_dataset, pick_measures
from craft.evaluation.biomarkers.registry import find_biomarkers, measure_images
from craft.evaluation.biomarkers.results import COLUMNS, MEASURED
from craft.evaluation.biomarkers.settings import MeasureJob

GENERATED = "craft/seed1/images.parquet"
JOB = MeasureJob(
    dataset="tiles", modality="histopathology", generated=[ImageSet(method="craft", seed=1)], measured_per_method=6
)
EACH = {"train": 4, "calibration": 2, "reference": 1, "test": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Phantoms in all splits, four of every label generated."""
    folder = tmp_path_factory.mktemp("tiles")
    for path, splits in (("images.parquet", EACH), (GENERATED, {"generated": 4})):
        rows = []
        for seed, (split, each) in enumerate(splits.items()):
            pairs = zip(*draw_phantoms("histopathology", seed, each), strict=True)
            rows += [image_row(image, label=label, split=split, origin="drawn") for image, label in pairs]
        write_images(folder / path, rows)
    return folder


@pytest.fixture(scope="module")
def measured(folder):
    return measure_dataset(JOB, folder / "images.parquet", [folder / GENERATED])


def test_calibration_and_test_images_as_many_training_images_and_the_first_generated_ones_are_measured(measured):
    assert list(measured.columns) == [*COLUMNS, *find_biomarkers("histopathology").columns]
    counts = measured.groupby(["method", "split", "label"]).size().unstack()
    assert (counts.loc["real", "test"] == 3).all() and (counts.loc["real", "train"] == 3).all()
    assert (counts.loc["real", "calibration"] == 2).all() and ("real", "reference") not in counts.index
    assert (counts.loc["craft", "generated"] == 2).all()
    assert set(measured.query("method == 'craft'")["seed"]) == {1}


def test_measures_are_picked_by_image(folder, measured):
    frame = read_images(folder / "images.parquet", "test")
    picked = pick_measures(measured, ImageSet(method="real", seed=0), frame["image_id"][::-1])
    expected = measure_images("histopathology", decode_images(frame))[list(find_biomarkers("histopathology").measures)]
    np.testing.assert_array_equal(picked.to_numpy(), expected.to_numpy()[::-1])
    with pytest.raises(CraftError, match="of craft, seed 1, was not measured"):
        pick_measures(measured, ImageSet(method="craft", seed=1), frame["image_id"])


def test_limited_images_are_the_first_of_every_label(folder):
    frame = read_images(folder / GENERATED)
    few = limit_images(frame, 7)
    assert set(few["label"].value_counts()) == {2}
    assert few["image_id"].to_list()[:2] == frame["image_id"].to_list()[:2]


def test_a_modality_without_biomarkers_has_rows_without_measures_and_one_sentence_in_the_log(folder, caplog):
    job = JOB.model_copy(update={"modality": "sonography"})
    table = measure_dataset(job, folder / "images.parquet", [folder / GENERATED])
    assert list(table.columns) == list(COLUMNS) and len(table)
    assert [record.message for record in caplog.records] == [
        "no biomarkers are computed for modality 'sonography', so its images are not measured"
    ]


def test_the_script_writes_what_is_measured(folder, measured, tmp_path):
    JOB.save(tmp_path / "settings.yaml")
    output = tmp_path / "biomarkers.parquet"
    options = ["--images", folder / "images.parquet", "--generated", folder / GENERATED, "--output", output]
    ended = run_script("measure_biomarkers", tmp_path / "settings.yaml", *options)
    assert ended.returncode == 0, ended.stderr
    written = MEASURED.load(output)
    assert list(written.columns) == list(measured.columns) and len(written) == len(measured)
    written.assign(found_nuclei=0.5).to_parquet(output)
    with pytest.raises(CraftError, match=r"found_nuclei of image .* is 0\.5, expected 0 or 1"):
        MEASURED.load(output)
