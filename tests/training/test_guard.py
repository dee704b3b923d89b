"""The guard: what it measures, which state it keeps, and that it stops a reward which can be hacked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from runs import make_adapter, make_alignment, make_reward, real_images, weights
from tiny import tiny_foundation, tiny_judge, tiny_knowledge
from torch.nn.functional import normalize

from craft.reward.cas import ClinicalAlignment, Logistic, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts
from craft.reward.rating import Rating
from craft.reward.settings import ObjectiveSettings
from craft.training.craft import CraftLoss, RewardInputs, draw_fixed_sample, train_reward
from craft.training.guard import (
    FixedSample,
    Guard,
    Monitor,
    diversity_within,
    measure_appearance,
    measure_images,
    shift_of_appearance,
)
from craft.training.loop import fit
from craft.training.methods.guarded import RewardLoop
from craft.training.methods.reward import RewardMethod
from craft.training.preview import GAP, LEAST, MARGIN, write_preview
from craft.training.sampler import generate
from craft.training.settings import GuardSettings, LoopSettings, LoraSettings, SamplingSettings

LORA = LoraSettings(rank=2, alpha=2, target_modules=["to_q"])
SOUND = {"diversity": 1.0, "semantic_diversity": 1.0, "likeness": 0.5, "shift": 0.1}
# what real images reach under the monitor of scripted checks
REAL = {"monitor": 0.7, "diversity": 1.0, "semantic_diversity": 1.0, "likeness": 0.5}


def watch(folder, checks, steps=10, real=REAL, **settings):
    """Fit while a guard sees scripted checks; returns the history and the weights at each step and at the end."""
    foundation = tiny_foundation()
    parameters = foundation.add_adapter(**dict(LORA))
    sample = FixedSample(torch.zeros(2, *foundation.latent_shape), ["a", "b"], torch.tensor([0, 1]))
    scripted, monitor = iter(checks), Monitor(None, None, torch.empty(0, 4), real)

    class Scripted(Guard):
        def measure(self, step):
            return SOUND | next(scripted)

    guard = Scripted(
        foundation, parameters, monitor, sample, SamplingSettings(), GuardSettings(every=1, **settings), steps
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
    [
        ({"diversity": 0.5}, "the diversity 0.500 is below 0.900"),
        ({"semantic_diversity": 0.85}, "the semantic diversity 0.850 is below 0.900"),
        ({"likeness": 0.4}, "the likeness to real images 0.400 is below 0.450"),
        ({"shift": 2.0}, "2.00 standard deviations off"),
    ],
)
def test_an_unsound_state_is_not_kept_however_high_the_monitor_stands(tmp_path, fault, said):
    checks = [{"monitor": 0.5}, {"monitor": 0.6}, {"monitor": 0.9} | fault, {"monitor": 0.95} | fault]
    history, seen, kept = watch(tmp_path, checks, patience=2)
    assert said in history[-1]["stopped_because"] and history[-1]["step"] == 3
    assert [row["step"] for row in history if row.get("best")] == [1]
    assert all(torch.equal(a, b) for a, b in zip(kept, seen[1], strict=True))


@pytest.mark.parametrize("kind", ["diversity", "semantic_diversity", "likeness"])
def test_a_state_is_held_against_real_images_or_against_the_start_if_that_is_worse(tmp_path, kind):
    """A start above real images may come down to nine tenths of them; one below must not fall by more than a tenth."""
    checks = [{kind: value, "monitor": 0.5} for value in (1.0, 0.37, 0.35, 0.35)]
    history, _, _ = watch(tmp_path / "above", checks, steps=3, real=REAL | {kind: 0.4}, patience=2)
    assert [row["fault"] != "" for row in history] == [False, False, True, True]
    checks = [{kind: value, "monitor": 0.5} for value in (0.2, 0.19, 0.17, 0.17)]
    history, _, _ = watch(tmp_path / "below", checks, steps=3, real=REAL | {kind: 0.4}, patience=2)
    assert [row["fault"] != "" for row in history] == [False, False, True, True]
    assert "is below 0.180" in history[-1]["stopped_because"]


def test_colour_and_contrast_may_stray_as_far_as_the_setting_or_a_tenth_beyond_the_start(tmp_path):
    for name, start, strays in (("near", 0.1, (0.49, 0.51)), ("far", 1.0, (1.09, 1.11))):
        checks = [{"shift": value, "monitor": 0.5} for value in (start, *strays)]
        history, _, _ = watch(tmp_path / name, checks, steps=2, patience=9)
        assert [row["fault"] != "" for row in history] == [False, False, True]


def test_what_real_images_reach_is_measured_like_what_is_generated():
    judge, labels = tiny_judge(), torch.arange(12) % 2
    images = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(6))
    features = judge.embed(images)
    monitor = Monitor.of(judge, make_alignment(judge), measure_appearance(images), features, labels)
    assert monitor.real == measure_images(monitor.alignment, features, labels)
    assert set(monitor.real) == {"monitor", "likeness", "diversity", "semantic_diversity"}
    assert torch.equal(monitor.appearance, measure_appearance(images))


def test_collapsed_images_lose_their_diversity_under_both_models_and_noise_its_likeness():
    judge, labels = tiny_judge(), torch.arange(12) % 2
    generator = torch.Generator().manual_seed(6)
    images = torch.rand(12, 3, 4, 4, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    alignment = near(judge, images, labels)
    real, same, noise = (
        measure_images(alignment, judge.embed(each), labels)
        for each in (images, images[labels], torch.rand(12, 3, 32, 32, generator=generator))
    )
    assert real["diversity"] > 0.1 and real["semantic_diversity"] > 0
    assert same["diversity"] == pytest.approx(0, abs=1e-3) and same["semantic_diversity"] == pytest.approx(0, abs=1e-3)
    assert noise["likeness"] < 0.9 * real["likeness"]


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


class Watermark(Rating):
    """A reward that can be hacked: it asks for a faint pattern and calls that clinical."""

    pattern = level = None

    def see(self, images, labels):
        (seen,) = super().see(images, labels)
        if self.pattern is None:
            return [replace(seen, dimensions=torch.zeros(len(images), len(DIMENSIONS)))]
        found = (images * self.pattern).mean((1, 2, 3)) - self.level
        return [replace(seen, dimensions=torch.sigmoid(found / 0.05)[:, None].expand(-1, len(DIMENSIONS)))]


def near(judge, images, labels) -> ClinicalAlignment:
    """CAS that is high for images like these and falls with the distance from them."""
    features: ImageFeatures = judge.embed(images)
    own = [normalize(features.aligned[labels == label].mean(0, keepdim=True), dim=-1) for label in (0, 1)]
    texts = [LabelTexts(each, each, -each, torch.ones(1)) for each in own]
    raw = RawScores(Evidence(texts, [features.visual[labels == label] for label in (0, 1)], 5.0, 3))
    at_home = raw(features, labels).mean(0)
    return ClinicalAlignment(
        raw, {name: Logistic(60.0, (float(3 - 60 * at_home[i]),) * 2, 0.9, 9) for i, name in enumerate(DIMENSIONS)}
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
        guard=GuardSettings(every=2, images=8, patience=2, min_diversity=0.2, min_plausibility=0, max_shift=9.0),
        training=RewardLoop(steps=60, batch=4, learning_rate=0.03, warmup_steps=1),
    )

    def prepare():
        foundation = tiny_foundation()
        foundation.pipeline.load_lora_weights(str(adapter), adapter_name="default")
        foundation.freeze_anchor(adapter)
        return foundation, draw_fixed_sample(foundation, method, knowledge, "test/0")

    foundation, sample = prepare()
    start = generate(foundation, sample.prompts, sample.noise, sampling)
    watcher, judge = tiny_judge(family="clip_bit", tower="bit", seed=1), tiny_judge(family="siglip_regnet", seed=2)
    seen = near(watcher, start, sample.labels), measure_appearance(start), watcher.embed(start), sample.labels
    monitor = Monitor.of(watcher, *seen)
    held_out = near(judge, start, sample.labels)

    def judge_now(foundation):
        images = generate(foundation, sample.prompts, sample.noise, sampling)
        return held_out.cas(judge.embed(images), sample.labels).mean().item()

    rewarder = tiny_judge()
    own = near(rewarder, start, sample.labels)
    reward = make_reward(rewarder, own, method.objective, start, sample.labels, Watermark)
    reward.matching.levels.fill_(1.0)
    reward.rating.pattern, reward.rating.level = reachable_pattern(prepare()[0], sample, sampling, start)
    inputs = RewardInputs(foundation, reward, monitor, real_images(foundation), knowledge)
    before = judge_now(foundation)
    history = train_reward(method, sampling, inputs, "test/0", tmp_path / "guarded").history
    guarded = judge_now(foundation)

    inputs = replace(inputs, foundation=prepare()[0])
    parameters, loss = inputs.foundation.adapter_parameters(), CraftLoss(method, sampling, inputs, "test/0")
    alone = fit(parameters, method.training, loss, tmp_path / "unguarded")
    unguarded = judge_now(inputs.foundation)

    assert alone[-1]["reward"] > alone[1]["reward"] + 0.1, "nothing was hacked"
    assert history[-1]["step"] < method.training.steps and "below its best" in history[-1]["stopped_because"]
    assert unguarded < before - 0.2
    assert guarded > before - 0.05
