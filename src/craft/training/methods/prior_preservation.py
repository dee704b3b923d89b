"""Prior preservation (DreamBooth, Ruiz et al. 2023, arXiv 2208.12242): trained on images of the foundation too."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.settings import Positive
from craft.training.methods.supervised import LoraMethod
from craft.training.settings import SamplingSettings

if TYPE_CHECKING:
    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation
    from craft.training.settings import MethodJob
    from craft.training.supervised import Further


class PriorPreservationMethod(LoraMethod):
    """A LoRA adapter trained on real images, and as much on images that the model made before, of coarse prompts."""

    # every real image has an image of the prior beside it
    per_image: ClassVar = 6

    kind: Literal["prior_preservation"] = Field(
        description="a LoRA adapter trained on the real training images and on the foundation's own"
    )
    prior_images: Positive = Field(64, description="images that the model makes of coarse prompts before it is trained")
    prior_weight: float = Field(1.0, gt=0, description="weight of the denoising loss on these images")

    def evaluations(self, sampling: SamplingSettings, processes: int = 1) -> float:
        """See `MethodSettings.evaluations`."""
        return super().evaluations(sampling, processes) + processes * self.prior_images * sampling.evaluations

    def further(self, foundation: "Foundation", job: "MethodJob", knowledge: "Knowledge") -> "Further":
        """See `DenoisingMethod.further`."""
        from craft.training.prior import Prior

        return Prior(foundation, self, job.sampling, knowledge, job.seed_name)


METHOD = PriorPreservationMethod
