"""The guard: what it measures, which state it keeps, and that it stops a reward which can be hacked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from runs import make_adapter, real_images, weights
from tiny import tiny_evaluator, tiny_foundation, tiny_knowledge
from torch.nn.functional import normalize

from craft.reward.cas import ClinicalAlignment, Logistic, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, LabelTexts
from craft.reward.objective import ClinicalReward
from craft.reward.settings import ObjectiveSettings
from craft.training.craft import RewardInputs, draw_fixed_sample, make_loss, train_reward
from craft.training.guard import FixedSample, Guard, Monitor, diversity_within, measure_appearance, shift_of_appearance
from craft.training.loop import fit
from craft.training.methods.reward import GuardSettings, RewardLoop, RewardMethod
from craft.training.preview import GAP, LEAST, MARGIN, write_preview
from craft.training.sampler import generate
from craft.training.settings import LoopSettings, LoraSettings, SamplingSettings

LORA = LoraSettings(rank=2, alpha=2, target_modules=["to_q"])
SOUND = {"diversity": 1.0, "shift": 0.1}


def watch(folder, checks, steps=10, **settings):
    """Fit while a guard sees scripted checks; returns the guard, the history and the weights at the end of the fit."""
    foundation = tiny_foundation()
    parameters = foundation.add_adapter(**dict(LORA))
    sample = FixedSample(torch.zeros(2, *foundation.latent_shape), ["a", "b"], torch.tensor([0, 1]))
    scripted = iter(checks)

    class Scripted(Guard):
        def measure(self, step):
            return SOUND | next(scripted)

    guard = Scripted(
        foundation, parameters, None, sample, SamplingSettings(), GuardSettings(every=1, **settings), steps
    )
    seen = []

    def loss_at(part):
        seen.append([parameter.detach().clone() for parameter in parameters])
        return sum((parameter - 1).square().sum() for parameter in parameters), {"reward": 0.5 + part.step / 10}

    training = LoopSettings(steps=steps, batch=1, learning_rate=0.1, warmup_steps=0)
    history = fit(parameters, training, loss_at, folder, guard)
    return history, seen, weights(foundation)


def test_a_falling_monitor_stops_the_run_and_the_best_state_is_kept(tmp_path):
    checks = [{"monitor": value} for value in (0.50, 0.60, 0.55, 0.54, 0.53)]
    history, seen, kept = watch(tmp_path, checks, patience=2)
    assert history[-1]["step"] == 3
    assert "0.540 is below its best 0.600 (check 2 in a row" in history[-1]["stopped_because"]
    assert [row["step"] for row in history if row.get("best")] == [1]
    assert all(torch.equal(a, b) for a, b in zip(kept, seen[1], strict=True)), "not the state after step 1"


@pytest.mark.parametrize(
    ("fault", "said"),
    [({"diversity": 0.5}, "the diversity 0.500 is below 0.900"), ({"shift": 2.0}, "2.00 standard deviations off")],
)
def test_an_unsound_state_is_not_kept_however_high_the_monitor_stands(tmp_path, fault, said):
    checks = [{"monitor": 0.5}, {"monitor": 0.6}, {"monitor": 0.9} | fault, {"monitor": 0.95} | fault]
    history, seen, kept = watch(tmp_path, checks, patience=2)
    assert said in history[-1]["stopped_because"] and history[-1]["step"] == 3
    assert [row["step"] for row in history if row.get("best")] == [1]
    assert all(torch.equal(a, b) for a, b in zip(kept, seen[1], strict=True))


def test_appearance_is_mean_colours_and_contrast_in_standard_deviations_of_real_images():
    real = torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    appearance = measure_appearance(real)
    assert torch.allclose(appearance[:, :3], real.mean((2, 3)))
    assert shift_of_appearance(appearance, appearance) == 0.0
    redder = real.clone()
    redder[:, 0] += 3 * appearance[:, 0].std()
    assert shift_of_appearance(measure_appearance(redder), appearance) == pytest.approx(3.0, abs=0.3)


def test_diversity_is_the_mean_distance_within_labels():
    features = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0], [1.0, 2.0], [9.0, 9.0]])
    assert diversity_within(features, torch.tensor([0, 0, 1, 1, 2])) == pytest.approx((5.0 + 1.0) / 2)
    assert diversity_within(features[:2], torch.tensor([0, 1])) == 0.0


def test_the_preview_has_a_row_of_pictures_for_every_check(tmp_path):
    pictures = [torch.full((3, 3, 32, 32), value, dtype=torch.uint8) for value in (0, 200)]
    write_preview(tmp_path / "preview.png", pictures, [0, 10])
    sheet = np.asarray(Image.open(tmp_path / "preview.png"))
    side = LEAST + GAP
    assert sheet.shape[:2] == (2 * side, MARGIN + 3 * side)
    first, last = sheet[:LEAST, MARGIN : MARGIN + LEAST], sheet[side : side + LEAST, MARGIN : MARGIN + LEAST]
    assert (first == 0).all() and (last == 200).all()


class Watermark(ClinicalReward):
    """A reward that can be hacked: it asks for a faint pattern and calls that clinical."""

    pattern = level = None

    def see(self, images, labels, draws):
        seen = super().see(images, labels, draws)
        if self.pattern is None:
            return replace(seen, dimensions=torch.zeros(len(images), len(DIMENSIONS)))
        found = (images * self.pattern).mean((1, 2, 3)) - self.level
        return replace(seen, dimensions=torch.sigmoid(found / 0.05)[:, None].expand(-1, len(DIMENSIONS)))


def near(evaluator, images, labels) -> ClinicalAlignment:
    """CAS that is high for images like these and falls with the distance from them."""
    features = evaluator.embed(images)
    own = [normalize(features[labels == label].mean(0, keepdim=True), dim=-1) for label in (0, 1)]
    texts = [LabelTexts(each, each, -each, torch.ones(1)) for each in own]
    raw = RawScores(Evidence(texts, [features[labels == label] for label in (0, 1)], 5.0, 3))
    at_home = raw(features, labels).mean(0)
    return ClinicalAlignment(
        raw, {name: Logistic(60.0, float(3 - 60 * at_home[i]), 0.9, 9) for i, name in enumerate(DIMENSIONS)}
    )


def reachable_pattern(foundation, sample, sampling, start):
    """A unit pattern that some adapter draws into every image, and how much of it the start shows."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in foundation.adapter_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    pattern = (generate(foundation, sample.prompts, sample.noise, sampling) - start).mean(0)
    pattern /= pattern.square().mean().sqrt()
    return pattern, (start * pattern).mean()


def test_the_guard_stops_a_hackable_reward_and_without_it_the_held_out_score_falls(tmp_path):
    adapter, knowledge = make_adapter(tmp_path), tiny_knowledge()
    sampling = SamplingSettings(steps=3, guidance_scale=2.0)
    method = RewardMethod(
        kind="reward",
        start="lora_enriched",
        objective=ObjectiveSettings(saturation=[1.0], beta=0.0, gamma=0.0, augment=False),
        guard=GuardSettings(every=2, images=8, patience=2, min_diversity=0.2, max_shift=9.0),
        training=RewardLoop(steps=60, batch=4, learning_rate=0.03, warmup_steps=1),
    )

    def prepare():
        foundation = tiny_foundation()
        foundation.pipeline.load_lora_weights(str(adapter), adapter_name="default")
        foundation.freeze_anchor(adapter)
        return foundation, draw_fixed_sample(foundation, method, knowledge, "test/0")

    foundation, sample = prepare()
    start = generate(foundation, sample.prompts, sample.noise, sampling)
    watcher, judge = tiny_evaluator(family="clip_bit", seed=1), tiny_evaluator(family="siglip_regnet", seed=2)
    monitor = Monitor(watcher, near(watcher, start, sample.labels), measure_appearance(start))
    held_out = near(judge, start, sample.labels)

    def judge_now(foundation):
        images = generate(foundation, sample.prompts, sample.noise, sampling)
        return held_out.cas(judge.embed(images), sample.labels).mean().item()

    evaluator = tiny_evaluator()
    reward = Watermark(evaluator, near(evaluator, start, sample.labels), method.objective, start, sample.labels)
    reward.levels.fill_(1.0)
    reward.pattern, reward.level = reachable_pattern(prepare()[0], sample, sampling, start)
    inputs = RewardInputs(foundation, reward, monitor, real_images(foundation), knowledge)
    before = judge_now(foundation)
    history = train_reward(method, sampling, inputs, "test/0", tmp_path / "guarded").history
    guarded = judge_now(foundation)

    inputs = replace(inputs, foundation=prepare()[0])
    parameters, loss_at = inputs.foundation.adapter_parameters(), make_loss(method, sampling, inputs, "test/0")
    alone = fit(parameters, method.training, loss_at, tmp_path / "unguarded")
    unguarded = judge_now(inputs.foundation)

    assert alone[-1]["reward"] > alone[1]["reward"] + 0.1, "nothing was hacked"
    assert history[-1]["step"] < method.training.steps and "below its best" in history[-1]["stopped_because"]
    assert unguarded < before - 0.2
    assert guarded > before - 0.05
