"""Prior preservation: the denoising loss on images that the model itself made of coarse prompts before the training.

The prior term of DreamBooth (Ruiz et al. 2023): what is learned of the real images shall not undo what the foundation
could do. The images are made with the start's weights, once, as generation samples.
"""

from torch import Tensor

from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.denoising import denoising_loss
from craft.training.methods.prior_preservation import PriorPreservationMethod
from craft.training.sampler import sample_many
from craft.training.settings import SamplingSettings


class Prior:
    """The prior term of a step's loss.

    Args:
        foundation: makes the images before it is trained.
        settings: how many images, the weight of the term, and the batch.
        sampling: how they are sampled.
        knowledge: has the coarse prompts.
        seed: names the random draws.

    Attributes:
        latents: of the images, shape (n, channels, height, width).
        prompts: one for each of them.
    """

    def __init__(
        self,
        foundation: Foundation,
        settings: PriorPreservationMethod,
        sampling: SamplingSettings,
        knowledge: Knowledge,
        seed: str,
    ):
        self.foundation, self.settings = foundation, settings
        count, coarse, draws = settings.prior_images, knowledge.coarse_prompts, Draws("prior", seed)
        self.prompts = [coarse[index % len(coarse)] for index in range(count)]
        self.latents = sample_many(foundation, self.prompts, draws.normal(count, *foundation.latent_shape), sampling)

    def __call__(self, draws: Draws) -> Tensor:
        """The weighted denoising loss on as many images of the prior as a part has real ones."""
        foundation = self.foundation
        rows = draws.integers(len(self.latents), self.settings.training.batch)
        states = foundation.encode_prompts([self.prompts[row] for row in rows])
        latents = self.latents[rows].to(foundation.device)
        loss = denoising_loss(foundation.unet, foundation.noise_schedule, latents, states, draws)
        return self.settings.prior_weight * loss
