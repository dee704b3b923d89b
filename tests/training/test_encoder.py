"""Vision encoders trained from scratch: what they learn of drawings, of real images, and that a run repeats itself."""

import json

import numpy as np
import pytest
import torch
from tiny import tiny_knowledge

from craft.core.images import image_row, write_images
from craft.core.seeds import Draws
from craft.models.settings import EncoderTraining
from craft.training import encoder as module
from craft.training.checkpoints import FILE
from craft.training.corpus import Corpus
from craft.training.encoder import (
    DAMAGED,
    KINDS,
    attribute_loss,
    build_encoder,
    damage_some,
    likeness_loss,
    probe_attributes,
    refusal_loss,
    train_encoder,
)
from craft.training.settings import LoopSettings

SIZE = 32


def draw_disc(rng: np.random.Generator) -> tuple[np.ndarray, dict]:
    """A disc on a dark ground, and where it lies, how wide and how light it is."""
    drawn = {"x": rng.uniform(-0.2, 0.2), "radius": rng.uniform(0.1, 0.3), "light": rng.uniform(60, 200)}
    grid = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    disc = np.hypot(grid[0], grid[1] - drawn["x"]) < drawn["radius"]
    image = 30 + disc * drawn["light"] + rng.normal(0, 4, disc.shape)
    return np.repeat(image.clip(0, 255)[..., None], 3, axis=2).astype(np.uint8), drawn


def make_corpora(folder, drawn: bool = True) -> tuple[Corpus, Corpus]:
    """Training and test images of discs; without their attributes they count as real images."""
    rng, rows = np.random.default_rng(0), []
    for number in range(200):
        image, attributes = draw_disc(rng)
        split, label = "train" if number < 150 else "test", ["nevus", "melanoma"][number % 2]
        texts = {"attributes": json.dumps(attributes | {"label": label})} if drawn else {}
        rows.append(image_row(image, label=label, split=split, origin="s", patient_id=str(number), **texts))
    write_images(folder / "images.parquet", rows)
    (folder / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    files = [folder / "images.parquet"], [folder / "knowledge.yaml"]
    return Corpus.load(*files, "train"), Corpus.load(*files, "test")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return make_corpora(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return make_corpora(tmp_path_factory.mktemp("real"), drawn=False)


def settings(steps: int, **changes) -> EncoderTraining:
    return EncoderTraining(**{"tower": "resnet", "seed": 1, "width": 32, "steps": steps, "batch": 24} | changes)


def weights(encoder) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in encoder.model.state_dict().values()])


def test_a_few_steps_learn_where_a_disc_lies_and_how_wide_it_is(corpora, tmp_path):
    """Random features tell much of such simple drawings; trained ones leave less than half as much open."""
    training = settings(60)
    torch.manual_seed(0)
    untrained = probe_attributes(build_encoder(training, SIZE).eval(), *corpora)
    encoder, metrics = train_encoder(training, corpora[0], SIZE, tmp_path)
    trained = probe_attributes(encoder, *corpora)
    assert set(trained) == {"dermoscopy/x", "dermoscopy/radius", "dermoscopy/light"}
    for place in ("dermoscopy/x", "dermoscopy/radius"):
        assert trained[place] > 0.85 and 1 - trained[place] < 0.5 * (1 - untrained[place]), (untrained, trained)
    assert np.isfinite(metrics["final_loss"])
    assert not encoder.training and not any(parameter.requires_grad for parameter in encoder.parameters())


def test_a_seed_repeats_itself_and_another_does_not(corpora, tmp_path):
    first, again, other = (
        weights(train_encoder(settings(3, seed=seed), corpora[0], SIZE, tmp_path / name)[0])
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_an_interrupted_training_resumes_to_the_identical_encoder(corpora, tmp_path, monkeypatch):
    from_scratch, steps, drawn = LoopSettings.from_scratch, 6, module.damage_some
    often = {"checkpoint_every": 2}
    monkeypatch.setattr(LoopSettings, "from_scratch", lambda *numbers, **known: from_scratch(*numbers, **known | often))
    whole = weights(train_encoder(settings(steps), corpora[0], SIZE, tmp_path / "whole")[0])
    calls = []

    def interrupted(images, draws):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return drawn(images, draws)

    monkeypatch.setattr(module, "damage_some", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(settings(steps), corpora[0], SIZE, tmp_path / "cut")
    assert (tmp_path / "cut" / FILE).is_file()
    monkeypatch.setattr(module, "damage_some", drawn)
    resumed = weights(train_encoder(settings(steps), corpora[0], SIZE, tmp_path / "cut")[0])
    assert torch.equal(resumed, whole)


def test_images_of_which_nothing_was_drawn_are_learned_by_likeness(real, tmp_path, monkeypatch):
    seen, loss = [], module.likeness_loss
    monkeypatch.setattr(module, "likeness_loss", lambda *views: seen.append(loss(*views)) or seen[-1])
    encoder, _ = train_encoder(settings(30), real[0], SIZE, tmp_path)
    assert len(seen) == 30 and torch.stack(seen[-5:]).mean() < torch.stack(seen[:5]).mean() - 0.1
    assert probe_attributes(encoder, *real) == {}


def test_no_label_is_used(corpora, tmp_path):
    turned = Corpus(**vars(corpora[0]) | {"label": 1 - corpora[0].label})
    first, second = (
        weights(train_encoder(settings(2), corpus, SIZE, tmp_path / name)[0])
        for name, corpus in (("own", corpora[0]), ("turned", turned))
    )
    assert torch.equal(first, second)


def test_a_share_of_a_batch_is_damaged_and_says_how():
    images = torch.rand(40, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    damaged, kinds = damage_some(images, Draws("test"))
    count = round(DAMAGED * 40)
    assert (kinds[:count] > 0).all() and (kinds[count:] == 0).all() and kinds.max() <= KINDS
    assert len(kinds[:count].unique()) > 2
    assert torch.equal(damaged[count:], images[count:])
    assert ((damaged[:count] - images[:count]).abs().mean((1, 2, 3)) > 0.005).all()


def test_likeness_is_lowest_where_both_views_of_an_image_agree():
    views = torch.eye(6)
    assert likeness_loss(views, views) < likeness_loss(views, views.roll(1, 0)) - 3
    # two images: each view has its partner and two rivals
    logits = torch.tensor([5.0, 0.0, 0.0])
    assert likeness_loss(torch.eye(2), torch.eye(2)).item() == pytest.approx(-torch.log_softmax(logits, 0)[0].item())


def test_refusal_asks_what_is_no_whole_image_to_point_away_from_those_of_its_dataset():
    generator = torch.Generator().manual_seed(0)
    real = torch.eye(8)[0] + 0.1 * torch.rand(12, 8, generator=generator)
    whole = torch.arange(12) < 8
    apart = torch.cat([real[:8], torch.eye(8)[5].repeat(4, 1)])
    same_set = torch.zeros(12, dtype=torch.long)
    near, far = refusal_loss(real, whole, same_set), refusal_loss(apart, whole, same_set)
    assert far < near - 0.1
    features = real.requires_grad_(True)
    (gradient,) = torch.autograd.grad(refusal_loss(features, whole, same_set), features)
    assert (gradient[:8] == 0).all() and (gradient[8:].norm(dim=1) > 0).any(), "whole images are not drawn together"
    # images of the other dataset stand against these too; too few whole ones say nothing
    others = torch.where(torch.arange(12) < 8, 0, 1)
    assert refusal_loss(real, torch.ones(12, dtype=torch.bool), others) > 0
    assert refusal_loss(real[:4], whole[:4] & (torch.arange(4) < 3), same_set[:4]) == 0


def test_only_known_attributes_count():
    predicted, values = torch.tensor([[1.0, 5.0], [2.0, 9.0]]), torch.zeros(2, 2)
    known = torch.tensor([[True, False], [True, False]])
    assert attribute_loss(predicted, values, known) == 2.5
    nothing = attribute_loss(predicted.requires_grad_(True), values, torch.zeros_like(known))
    assert nothing == 0 and nothing.requires_grad
