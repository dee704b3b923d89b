"""Tiny trainings that several tests share."""

from pathlib import Path

import torch
from tiny import tiny_foundation, tiny_judge, tiny_knowledge
from torch.nn.functional import normalize

from craft.models.foundation import Foundation
from craft.reward.cas import ClinicalAlignment, Logistic, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, LabelTexts
from craft.reward.objective import ClinicalReward
from craft.reward.rating import Rating, Rewarder
from craft.reward.settings import ObjectiveSettings
from craft.training.craft import RewardInputs, train_reward
from craft.training.guard import Monitor, measure_appearance
from craft.training.methods.denoising import SupervisedLoop
from craft.training.methods.guarded import RewardLoop
from craft.training.methods.reward import RewardMethod
from craft.training.methods.supervised import SupervisedMethod
from craft.training.processes import is_main_process
from craft.training.settings import ComputeSettings, GuardSettings, LoraSettings, SamplingSettings
from craft.training.supervised import RealImages, train_supervised

SUPERVISED = SupervisedMethod(
    kind="supervised",
    prompts="enriched",
    lora=LoraSettings(rank=2, alpha=2),
    training=SupervisedLoop(steps=4, batch=4, learning_rate=1e-2, warmup_steps=1, checkpoint_every=2),
)


def real_images(foundation: Foundation, kind=RealImages) -> RealImages:
    latents = torch.randn(8, *foundation.latent_shape, generator=torch.Generator().manual_seed(1))
    return kind(latents, ["nevus", "melanoma"] * 4)


def weights(foundation: Foundation) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in foundation.adapter_parameters()]


def supervised(folder: Path, method: SupervisedMethod = SUPERVISED, images=RealImages) -> tuple[Foundation, list[dict]]:
    foundation = tiny_foundation()
    kinds = real_images(foundation, images)
    return foundation, train_supervised(foundation, method, kinds, tiny_knowledge(), "test/0", folder)


def make_alignment(judge, slope: float = 3.0) -> ClinicalAlignment:
    """CAS of two labels with random texts and references, as wide as the judge's features."""
    seen, generator = judge.embed(torch.zeros(1, 3, 32, 32)), torch.Generator().manual_seed(2)
    width, visual_width = seen.aligned.shape[1], seen.visual.shape[1]

    def draw(count, width=width):
        return normalize(torch.randn(count, width, generator=generator), dim=-1)

    texts = [LabelTexts(draw(3), draw(2), draw(2), torch.ones(2)) for _ in range(2)]
    references = [draw(6, visual_width) for _ in range(2)]
    maps = {name: Logistic(slope, (0.0, 0.0), 0.9, 10) for name in DIMENSIONS}
    return ClinicalAlignment(RawScores(Evidence(texts, references, 5.0, 3)), maps)


def make_reward(judge, alignment, objective: ObjectiveSettings, images, labels, kind=Rating) -> ClinicalReward:
    """The reward of one judge, and what real images (n, 3, h, w) reach under it."""
    return ClinicalReward(kind([Rewarder(judge, alignment)], objective), objective, [images], labels)


def reward_method(**changes) -> RewardMethod:
    training = {"steps": 4, "batch": 4, "learning_rate": 1e-2, "warmup_steps": 1, "checkpoint_every": 2}
    return RewardMethod(
        kind="reward",
        start="lora_enriched",
        objective=ObjectiveSettings(**{"saturation": [1.0], "gamma": 0.5} | changes.pop("objective", {})),
        guard=changes.pop("guard", GuardSettings(every=2, images=4, min_diversity=0, min_plausibility=0, max_shift=99)),
        compute=changes.pop("compute", ComputeSettings()),
        backprop=changes.pop("backprop", {}),
        tiny_decoder=changes.pop("tiny_decoder", None),
        training=RewardLoop(**training | changes),
    )


def reward_run(adapter: Path, folder: Path, method: RewardMethod | None = None) -> tuple[Foundation, list[dict]]:
    """CRAFT from the adapter in a folder; returns the foundation and the history."""
    method, foundation = method or reward_method(), tiny_foundation()
    foundation.pipeline.load_lora_weights(str(adapter), adapter_name="default")
    foundation.freeze_anchor(adapter)
    judge, labels = tiny_judge(), torch.arange(10) % 2
    pixels = torch.rand(10, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    reward = make_reward(judge, make_alignment(judge), method.objective, pixels, labels)
    # a monitor that says the same of everything, so that the guard keeps the last state
    monitor = Monitor.of(
        judge, make_alignment(judge, slope=0.0), measure_appearance(pixels), judge.embed(pixels), labels
    )
    inputs = RewardInputs(foundation, reward, monitor, real_images(foundation), tiny_knowledge())
    sampling = SamplingSettings(steps=3, guidance_scale=2.0)
    trained = train_reward(method, sampling, inputs, "test/0", folder)
    assert len(trained.pictures) == (sum("monitor" in row for row in trained.history) if is_main_process() else 0)
    return foundation, trained.history


def make_adapter(folder: Path) -> Path:
    """The folder of a tiny supervised adapter."""
    foundation, _ = supervised(folder / "checkpoints")
    foundation.save_adapter(folder / "adapter")
    return folder / "adapter"
