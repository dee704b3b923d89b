"""Best of n: of several images for every wanted one, the one that the reward prefers. Nothing is trained."""

from collections.abc import Iterator

import torch
from torch import Tensor

from craft.core.images import read_texts
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features
from craft.reward.judge import Judge
from craft.reward.rating import Rating, Rewarder
from craft.training.generation import Wanted
from craft.training.methods.base import MethodFiles
from craft.training.methods.best_of_n import BestOfNMethod
from craft.training.pool import best_rows, rate_latents
from craft.training.sampler import sample_many
from craft.training.settings import GenerationJob


def load_rating(settings: BestOfNMethod, job: GenerationJob, files: MethodFiles, device: str) -> Rating:
    """What the reward evaluators of a job make of images of its dataset.

    Raises:
        CraftError: if a file or model is missing or does not belong to the others.
    """
    knowledge = Knowledge.load(files.knowledge)
    features = Features(files.features, read_texts(files.images), knowledge)
    maps = read_calibration(files.calibration, [ref.name for ref in job.evaluators])
    rewarders = [
        Rewarder(Judge.load(ref, device), features.alignment(ref, maps, job.neighbours)) for ref in job.evaluators
    ]
    return Rating(rewarders, settings.reward, [label.prompt for label in knowledge.labels.values()])


def select_table(
    foundation: Foundation, settings: BestOfNMethod, job: GenerationJob, knowledge: Knowledge, rating: Rating
) -> Iterator[dict]:
    """The best candidate for every wanted image, as rows of an image table.

    The first candidate of an image has the noise that the image has in every other method, so that with one candidate
    the images are those of what the method starts from.

    Args:
        foundation: makes the candidates.
        settings: how many there are for each image.
        job: how many images, and how they are sampled.
        knowledge: labels and prompts.
        rating: what the reward makes of an image.
    """
    wanted = Wanted.draw(foundation, job, knowledge)
    return wanted.rows(job, choose_batches(foundation, settings, job, list(knowledge.labels), wanted, rating))


def choose_batches(
    foundation: Foundation, settings: BestOfNMethod, job: GenerationJob, keys: list[str], wanted: Wanted, rating: Rating
) -> Iterator[Tensor]:
    """The chosen images (n, 3, h, w) in [0, 1] on the CPU, a batch at a time; see `select_table`."""
    each, draws = settings.count, Draws("candidates", job.dataset, job.seed)
    step = max(1, job.generation.batch // each)
    for start in range(0, len(wanted.labels), step):
        first = wanted.noise[start : start + step]
        others = draws.normal(len(first) * (each - 1), *first.shape[1:]).view(len(first), each - 1, *first.shape[1:])
        noise = torch.cat([first[:, None], others], dim=1).flatten(0, 1)
        prompts = [prompt for prompt in wanted.prompts[start : start + step] for _ in range(each)]
        labels = torch.tensor([keys.index(label) for label in wanted.labels[start : start + step]])
        latents = sample_many(foundation, prompts, noise, job.sampling, job.generation.batch)
        rewards, _ = rate_latents(foundation, rating, latents, labels.repeat_interleave(each))
        best = latents[best_rows(rewards, each)]
        with torch.no_grad():
            images = foundation.decode(best.to(foundation.device)).clamp(0, 1).cpu()
        yield images
