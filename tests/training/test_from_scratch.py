"""Models trained from scratch: what belongs to what in a batch, losses by hand, and learning that is learning."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from diffusers import EulerDiscreteScheduler
from in_process import run_script
from tiny import SMALL, tiny_foundation, tiny_knowledge

from craft.core.errors import CraftError
from craft.core.files import ROOT, write_parquet
from craft.core.images import image_row, write_images
from craft.core.seeds import derive_seed
from craft.models.architectures import build_autoencoder, build_evaluator
from craft.models.families import FAMILIES
from craft.models.foundation import Foundation
from craft.models.settings import ClassifierTraining, EvaluatorTraining, FoundationTraining, ModelRef
from craft.training.autoencoder import detail_error, reconstruction_psnr, whiten
from craft.training.corpus import Corpus
from craft.training.denoising import denoising_loss
from craft.training.evaluator import contrastive_loss, draw_texts, sigmoid_loss, softmax_loss, train_evaluator
from craft.training.evaluator_quality import item_auroc, zero_shot_accuracy
from craft.training.foundation import train_foundation
from craft.training.phantom_classifier import train_phantom_classifier
from craft.training.settings import FoundationJob
from craft.training.signs import NO, YES, tabulate_signs

SIZE, COLOURS = 32, {"nevus": (200, 150, 120), "melanoma": (60, 40, 90)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two colours, two labels: what any model can learn in a few steps."""
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    rows = []
    for index in range(60):
        label = ["nevus", "melanoma"][index % 2]
        image = np.clip(np.array(COLOURS[label]) + rng.normal(0, 12, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        split = "test" if index >= 48 else "train"
        texts = {"caption": f"a skin image of {label}", "coarse_caption": "a skin lesion", "attributes": json.dumps({})}
        rows.append(image_row(image, label=label, split=split, origin="s", patient_id=str(index), **texts))
    write_images(folder / "images.parquet", rows)
    (folder / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    return [folder / "images.parquet"], [folder / "knowledge.yaml"]


def test_folds_share_no_patient_and_make_up_the_split(tables):
    whole = Corpus.load(*tables, "train")
    folds = [Corpus.load(*tables, "train", fold, 3) for fold in range(3)]
    seen = [{image.tobytes() for image in fold.images} for fold in folds]
    assert not (seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2])
    assert set.union(*seen) == {image.tobytes() for image in whole.images}
    with pytest.raises(CraftError, match="use fewer folds"):
        Corpus.load(*tables, "train", 500, 1000)


def test_a_batch_knows_which_text_is_true_of_which_image(tables):
    corpus = Corpus.load(*tables, "train")
    batch = draw_texts(corpus, np.array([0, 1, 2]), np.random.default_rng(0))  # nevus, melanoma, nevus
    assert torch.equal(batch.same, torch.eye(3, dtype=torch.bool))  # a caption is true of its own image alone
    assert batch.belongs.tolist() == [
        [True, True, False, False],
        [False, False, True, True],
        [True, True, False, False],
    ]
    assert batch.rivals.all()
    corpus.captions = [""] * len(corpus)
    shared = draw_texts(corpus, np.array([0, 1, 2]), np.random.default_rng(0)).same
    assert shared.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def test_an_item_pulls_the_embedding_to_the_statement_that_is_true_of_the_image(tables):
    corpus = Corpus.load(*tables, "train")
    present, absent = torch.eye(8)[:2]
    for truth in (1, -1):
        corpus.answers[0] = truth
        batch = draw_texts(corpus, np.array([0]), np.random.default_rng(0))
        assert batch.truth.tolist() == [truth]
        image = torch.zeros(1, 8, requires_grad=True)
        # captions and statements stand at right angles to the item, so that the item alone moves the image along it
        others = torch.eye(8)[2:].repeat(2, 1)[: 1 + len(batch.statements)]
        text = torch.cat([others, present[None], absent[None]])
        contrastive_loss(image, text, batch, torch.tensor(1.0), None).backward()
        pulled = -image.grad[0]
        assert torch.sign(pulled[0]) == truth and torch.sign(pulled[1]) == -truth


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    """Images of two labels, half of each with a bright stripe on which an item of both checklists rests."""
    folder, rng, rows, answers = tmp_path_factory.mktemp("striped"), np.random.default_rng(1), [], []
    knowledge = tiny_knowledge()
    for index in range(120):
        label, stripe = ["nevus", "melanoma"][index % 2], bool(index // 2 % 2)
        image = np.array(COLOURS[label]) + rng.normal(0, 12, (SIZE, SIZE, 3))
        image[12:20] += 60 * stripe
        split, image = "test" if index >= 80 else "train", np.clip(image, 0, 255).astype(np.uint8)
        rows.append(image_row(image, label=label, split=split, origin="s", patient_id=str(index)))
        answers.append([YES if stripe else NO] * 3)
    write_images(folder / "images.parquet", rows)
    (folder / "knowledge.yaml").write_text(knowledge.to_yaml())
    items = [item.present for item in knowledge.items()]
    table = tabulate_signs([row["image_id"] for row in rows], items, np.array(answers, dtype=object))
    write_parquet(folder / "signs.parquet", table)
    return [[folder / name] for name in ("images.parquet", "knowledge.yaml", "signs.parquet")]


def test_an_evaluator_learns_a_sign_that_differs_among_images_of_one_label(striped, tmp_path):
    images, knowledge, signs = striped
    training = EvaluatorTraining(family="clip_bit", seed=0, width=32, steps=80, batch=16, learning_rate=3e-3)
    unseen = Corpus.load(images, knowledge, "test", signs=signs)
    taught = Corpus.load(images, knowledge, "train", signs=signs)
    evaluator, _ = train_evaluator(training, taught, SIZE, tmp_path / "signs")
    assert item_auroc(evaluator, unseen)["dermoscopy"] > 0.9
    assert zero_shot_accuracy(evaluator, unseen)["dermoscopy"] > 0.9
    assert item_auroc(evaluator, Corpus.load(images, knowledge, "test")) == {}


def test_softmax_loss_by_hand():
    logits = torch.tensor([[2.0, 1.0, 5.0]])
    positive, known = torch.tensor([[True, False, False]]), torch.tensor([[True, True, False]])
    assert torch.isclose(softmax_loss(logits, positive, known), -F.log_softmax(logits[:, :2], 1)[0, 0])


def test_sigmoid_loss_by_hand():
    logits, positive = torch.tensor([[1.0, -2.0]]), torch.tensor([[True, False]])
    known = torch.ones_like(positive)
    expected = -torch.log(torch.sigmoid(torch.tensor(1.0))) - torch.log(torch.sigmoid(torch.tensor(2.0)))
    assert torch.isclose(sigmoid_loss(logits, positive, known), expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_evaluator_learns_two_colours(family, tables, tmp_path):
    corpus = Corpus.load(*tables, "train")
    training = EvaluatorTraining(family=family, seed=0, width=32, steps=40, batch=16, learning_rate=3e-3)
    evaluator, metrics = train_evaluator(training, corpus, SIZE, tmp_path)
    assert zero_shot_accuracy(evaluator, Corpus.load(*tables, "test"))["dermoscopy"] >= 0.9
    assert np.isfinite(metrics["final_loss"])


@pytest.mark.parametrize(("image_steps", "text_moves"), [(0, True), (1, False)])
def test_the_first_steps_train_the_image_tower_alone(image_steps, text_moves, tables, tmp_path):
    training = EvaluatorTraining(family="clip_bit", seed=0, width=32, steps=1, image_steps=image_steps, batch=4)
    evaluator, _ = train_evaluator(training, Corpus.load(*tables, "train"), SIZE, tmp_path)
    torch.manual_seed(derive_seed("train_evaluator/clip_bit/0"))
    untrained = build_evaluator(training, evaluator.tokenizer, SIZE).model
    for tower, moves in (("vision_model", True), ("text_model", text_moves)):
        before, after = (
            torch.cat([w.flatten() for w in getattr(m, tower).parameters()]) for m in (untrained, evaluator.model)
        )
        assert (not torch.equal(before, after)) == moves


def test_a_foundation_trains_through_all_stages_and_repeats_itself(tables, tmp_path):
    corpus = Corpus.load(*tables, "train")
    training = SMALL.model_copy(
        update={"autoencoder_steps": 120, "text_steps": 2, "unet_steps": 4, "unet_batch": 4, "autoencoder_batch": 4}
    )
    foundation, seconds = train_foundation(training, corpus, SIZE, tmp_path / "a")
    assert list(seconds) == ["seconds_autoencoder", "seconds_text_encoder", "seconds_unet"]
    assert min(seconds.values()) > 0
    assert reconstruction_psnr(foundation, Corpus.load(*tables, "test"))["all"] > 15
    latents = foundation.encode_images(corpus.tensor(np.arange(48)))
    assert latents.std() == pytest.approx(1.0, abs=0.15)
    again, _ = train_foundation(training, corpus, SIZE, tmp_path / "b")
    pairs = zip(foundation.unet.parameters(), again.unet.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_unet_of_a_given_foundation_trains_on(tables, tmp_path):
    corpus, given = Corpus.load(*tables, "train"), tmp_path / "given"
    tiny_foundation().save(given)
    training = SMALL.model_copy(update={"start": str(given), "unet_steps": 3, "unet_batch": 4})
    start = ModelRef(path=str(given))
    foundation, seconds = train_foundation(training, corpus, SIZE, tmp_path / "checkpoints", start=start)
    before = Foundation.load(str(given))
    assert list(seconds) == ["seconds_unet"]
    for name, moves in (("unet", True), ("vae", False), ("text_encoder", False)):
        pairs = zip(getattr(before, name).parameters(), getattr(foundation, name).parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs) != moves
    training = training.model_copy(update={"unet_layers": [2, 1], "unet_steps": 1})
    deeper, _ = train_foundation(training, corpus, SIZE, tmp_path / "deeper", start=start)
    assert [len(block.resnets) for block in deeper.unet.down_blocks] == [2, 1]
    with pytest.raises(CraftError, match=r"makes images of 32 px, but the run's resolution is 64; write"):
        train_foundation(training, corpus, 64, tmp_path / "other", start=start)


def test_the_unet_of_a_given_foundation_is_trained_on_what_it_predicts(tables, tmp_path, monkeypatch):
    given, seen = tiny_foundation().pipeline, []
    given.scheduler = EulerDiscreteScheduler.from_config(given.scheduler.config, prediction_type="epsilon")
    given.save_pretrained(tmp_path / "given")

    def observe(unet, scheduler, *arguments):
        seen.append((type(scheduler).__name__, scheduler.config.prediction_type))
        return denoising_loss(unet, scheduler, *arguments)

    monkeypatch.setattr("craft.training.foundation.denoising_loss", observe)
    training = SMALL.model_copy(update={"unet_steps": 2, "unet_batch": 2})
    start = ModelRef(path=str(tmp_path / "given"))
    train_foundation(training, Corpus.load(*tables, "train"), SIZE, tmp_path / "checkpoints", start=start)
    assert set(seen) == {("DDPMScheduler", "epsilon")}


def test_two_processes_train_the_autoencoder_that_one_does_with_twice_the_batch(tables, tmp_path):
    images, knowledge = tables
    together = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--"]
    weights = []
    for batch in (2, 4):
        steps = {"autoencoder_steps": 3, "text_steps": 2, "unet_steps": 2}
        batches = {"unet_batch": batch, "autoencoder_batch": batch}
        training = SMALL.model_copy(update=steps | batches)
        job = FoundationJob(resolution=SIZE, datasets=["skin"], training=training)
        settings, output = tmp_path / f"settings{batch}.yaml", tmp_path / str(batch) / "foundation"
        settings.write_text(yaml.safe_dump(job.model_dump(mode="json")))
        inputs = [str(settings), "--images", str(images[0]), "--knowledge", str(knowledge[0]), "--output", str(output)]
        if batch == 4:
            assert run_script("train_foundation", *inputs).returncode == 0
        else:
            command = [sys.executable, *together, str(ROOT / "scripts/train_foundation.py"), *inputs]
            subprocess.run(command, check=True, timeout=240)
        vae = Foundation.load(str(output)).pipeline.vae
        weights.append(torch.cat([weight.flatten() for weight in vae.parameters()]))
    assert (weights[0] - weights[1]).norm() < 1e-3 * weights[1].norm()


def test_the_classifier_of_phantoms_trains_on_fresh_ones(tmp_path):
    training = ClassifierTraining(seed=1, images=20, steps=2, batch=4)
    labels = {"dermoscopy": ["nevus", "melanoma"]}
    classifier, metrics = train_phantom_classifier(training, labels, SIZE, tmp_path)
    assert classifier.labels == ["dermoscopy/nevus", "dermoscopy/melanoma"]
    assert 0 <= metrics["accuracy_dermoscopy"] <= 1


def test_whitening_moves_the_latents_and_not_the_images():
    training = FoundationTraining(autoencoder_channels=[8, 16], latent_channels=4)
    torch.manual_seed(0)
    vae = build_autoencoder(training, 16).eval()
    images = torch.rand(32, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        posterior = vae.encode(images).latent_dist
        decoded, noise = vae.decode(posterior.mean).sample, posterior.std / posterior.mean.std((0, 2, 3), keepdim=True)
        whiten(vae, images)
        after = vae.encode(images).latent_dist
        again = vae.decode(after.mean).sample
    assert again == pytest.approx(decoded, abs=1e-4)
    assert after.mean.mean((0, 2, 3)) == pytest.approx(torch.zeros(4), abs=1e-4)
    assert after.mean.std((0, 2, 3)) == pytest.approx(torch.ones(4), abs=1e-4)
    assert after.std == pytest.approx(noise, rel=1e-3)
    assert vae.config.scaling_factor == 1.0


def test_detail_error_sees_thin_things_and_no_offset():
    flat, line = torch.full((1, 1, 16, 16), 0.1), torch.zeros(1, 1, 16, 16)
    line[..., 8] = 0.4
    assert line.square().mean() == pytest.approx(flat.square().mean().item())
    assert detail_error(flat).item() == pytest.approx(0, abs=1e-6)
    assert detail_error(line).item() > 0.02
