"""A user's own dataset reader: from the configuration through the preparation's job to the image table."""

from pathlib import Path

import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.core.identity import hash_code, source_closure
from craft.core.images import decode_images, read_images
from craft.pipeline.config import validate_config

CODE = '''
"""A reader of images that it draws: dark ones of the first label, bright ones of the second."""

from functools import partial
from typing import Literal

import numpy as np

from craft.datasets.readers import READERS
from craft.datasets.readers.base import RawImage
from craft.datasets.settings import DatasetSettings


@READERS.register("toy")
class ToyDataset(DatasetSettings):
    """Grey noise."""

    reader: Literal["toy"]
    images_per_label: int = 30

    def read(self):
        pairs = [(level, number) for level in range(len(self.labels)) for number in range(self.images_per_label)]
        return [
            RawImage(f"{level}/{number}", self.labels[level], f"patient {number}", partial(draw, level, number))
            for level, number in pairs
        ]


def draw(level, number, size):
    rng = np.random.default_rng([level, number])
    return rng.integers(100 * level, 100 * level + 100, (size, size, 3), np.uint8), {"caption": f"toy {number}"}
'''
TOYS = {"reader": "toy", "modality": "dermoscopy", "labels": ["nevus", "melanoma"]}
JOB = "toys/settings/prepare_images.yaml"


@pytest.fixture(scope="module")
def jobs(resolve):
    return resolve(datasets={"toys": TOYS})


def test_the_preparation_of_its_dataset_alone_depends_on_the_file(jobs, dependents, extension):
    assert dependents(jobs) == {JOB}
    own, other = (
        set(source_closure("prepare_images", jobs[f"{dataset}/settings/prepare_images.yaml"].modules))
        for dataset in ("toys", "dermoscopy")
    )
    assert own - other == {extension}
    assert "src/craft/datasets/readers/phantom.py" in other - own


def test_a_misspelt_key_gets_the_sentence_of_built_in_readers(configure):
    with pytest.raises(CraftError, match=r"unknown key `datasets\.toys\.images_per_lable`; write `images_per_label`"):
        validate_config(configure(datasets={"toys": TOYS | {"images_per_lable": 3}}))


def test_the_job_writes_the_table_of_its_images(jobs, results, run_job, tmp_path):
    files = [tmp_path / name for name in ("images.parquet", "quarantine.parquet", "left_out.csv")]
    run_job("prepare_images", results / JOB, "--images", files[0], "--quarantine", files[1], "--left-out", files[2])
    frame = read_images(files[0])
    assert len(frame) == 60 and set(frame["origin"]) == {"toy:toys"} and pd.read_parquet(files[1]).empty
    assert set(frame["split"]) == {"train", "reference", "held_out_reference", "calibration", "test"}
    dark, bright = (decode_images(frame[frame["label"] == label]) for label in TOYS["labels"])
    assert dark.shape == (30, 64, 64, 3) and dark.max() < 100 <= bright.min()
    assert set(frame["caption"]) == {f"toy {number}" for number in range(30)}


def test_an_edit_changes_the_identity_of_its_job_and_of_no_other(jobs, extension):
    def identities() -> dict[str, str]:
        hash_code.cache_clear()
        return {name: hash_code(Path(name).stem, tuple(job.modules)) for name, job in jobs.items()}

    before = identities()
    Path(extension).write_text(CODE + "# edited\n")
    after = identities()
    assert {name for name in jobs if before[name] != after[name]} == {JOB}
