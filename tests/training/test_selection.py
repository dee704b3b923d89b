"""Best of n: the first candidate is the image of the method it starts from, and more candidates are never worse."""

import pandas as pd
import pytest
import torch
from drawn import all_files_of, make_dataset
from tiny import tiny_ref

from craft.core.images import decode_images, to_tensor
from craft.knowledge.schema import Knowledge
from craft.training.generation import cost_table, sample_images
from craft.training.results import COST_COLUMNS
from craft.training.selection import load_rating
from craft.training.settings import GenerationJob

SAMPLING = {"steps": 2, "guidance_scale": 2.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    make_dataset(folder)
    return folder


def job_of(folder, count: int | None) -> GenerationJob:
    """Four images that are chosen among `count`, or that are sampled once."""
    selection = {"kind": "best_of_n", "start": None, "prompts": "plain", "count": count}
    return GenerationJob.model_validate(
        {"dataset": "drawn", "method": "m", "seed": 0, "prompts": "plain", "resolution": 32, "sampling": SAMPLING}
        | {"foundation": {"path": str(folder / "foundation")}, "generation": {"images_per_dataset": 4, "batch": 5}}
        | {"selection": selection if count else None}
        | {"evaluators": [tiny_ref("clip_resnet", "reward", folder)], "neighbours": 2}
    )


def choose(folder, count: int | None):
    """The images of a job; their rewards, and what they cost."""
    job, files = job_of(folder, count), all_files_of(folder)
    knowledge = Knowledge.load(files.knowledge)
    foundation, sampled = sample_images(job, knowledge, files, "cpu")
    rows, rating = list(sampled), load_rating(job_of(folder, 1).selection, job, files, "cpu")
    images = to_tensor(decode_images(pd.DataFrame(rows)))
    labels = torch.tensor([list(knowledge.labels).index(row["label"]) for row in rows])
    return rows, rating.reward_of(rating.see(images, labels)), cost_table(foundation, job, len(rows)).iloc[0]


def test_one_candidate_is_the_image_itself_and_more_of_them_are_better_and_dearer(folder):
    plain, first, cost = choose(folder, None)
    one, _, _ = choose(folder, 1)
    assert [row["image"] for row in one] == [row["image"] for row in plain]
    assert [row["label"] for row in plain] == ["nevus"] * 2 + ["melanoma"] * 2
    several, rewards, dearer = choose(folder, 3)
    assert (rewards >= first - 1e-3).all() and (rewards > first + 1e-3).any()
    assert [row["label"] for row in several] == [row["label"] for row in plain]
    assert cost["unet_evaluations"] == 4 * 2 * 2 and dearer["unet_evaluations"] == 3 * cost["unet_evaluations"]
    assert tuple(cost.index) == COST_COLUMNS and cost["images"] == 4


def test_the_same_choice_is_made_again(folder):
    assert [row["image"] for row in choose(folder, 2)[0]] == [row["image"] for row in choose(folder, 2)[0]]
