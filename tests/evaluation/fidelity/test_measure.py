"""Fidelity of a dataset's folder: features of a real small evaluator, floors, mistakes, and the table of it all."""

import sys
import types

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import FIDELITY, LABELS, METHODS, make_results
from safetensors.torch import save_file
from tiny import tiny_evaluator

from craft.core.config.evaluation import Fidelity
from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.settings import EvaluatorRef, FidelitySettings
from craft.evaluation.fidelity.features import encoded_images, inception_encoder, scale_embeddings
from craft.evaluation.fidelity.measure import measure_fidelity, pick_floor
from craft.evaluation.fidelity.table import fidelity_table, nest_seeds
from craft.evaluation.results import FIDELITY_COLUMNS, read_fidelity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset's folder with two methods, and the features that a tiny evaluator has of all their images."""
    root = tmp_path_factory.mktemp("fidelity")
    make_results(root, labels={"skin": LABELS["skin"]}, methods=["lora", "craft"], seeds=(0,), per_label=8, truth=False)
    evaluator = tiny_evaluator()
    for table in root.glob("skin/**/images.parquet"):
        images = to_tensor(decode_images(read_images(table)))
        save_file({"tiny/images": evaluator.embed(images)}, table.with_name("features.safetensors"))
    return root


def settings(folder, **changes) -> FidelitySettings:
    ref = EvaluatorRef(name="tiny", role="held_out", path="nowhere")
    spec = Fidelity(bootstrap=20, neighbours=3, **changes)
    return FidelitySettings(dataset="skin", evaluators=[ref], runs=[("lora", 0), ("craft", 0)], spec=spec)


def measure(folder, run: FidelitySettings) -> pd.DataFrame:
    skin = folder / "skin"
    return measure_fidelity(run, skin / "images.parquet", skin / "features.safetensors", skin)


def test_every_method_and_the_real_floor_have_every_metric(folder):
    frame = measure(folder, settings(folder))
    assert tuple(frame.columns) == FIDELITY_COLUMNS
    assert frame.groupby("method")["metric"].apply(tuple).to_dict() == dict.fromkeys(
        ["real", "lora", "craft"], FIDELITY
    )
    assert (frame["n"] == 24).all() and np.isfinite(frame["value"]).all() and set(frame["role"]) == {"held_out"}
    assert all(len(draws) == 20 for draws in frame["draws"])
    again = measure(folder, settings(folder))
    assert again.drop(columns="draws").equals(frame.drop(columns="draws"))


def test_the_floor_holds_as_many_training_images_of_every_label_as_are_generated(folder):
    table = read_images(folder / "skin/images.parquet")
    labels = pd.Series(["naevus"] * 5 + ["melanoma"] * 100)
    floor = table.iloc[pick_floor(table, labels, "skin")]
    assert set(floor["split"]) == {"train"}
    assert floor["label"].value_counts().to_dict() == {"melanoma": 8, "naevus": 5}


def test_embeddings_are_scaled_to_a_mean_square_of_one():
    embeddings = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    assert (scale_embeddings(embeddings) ** 2).mean(axis=1) == pytest.approx(np.ones(6))


def test_features_of_another_width_are_one_sentence(folder, tmp_path):
    table = read_images(folder / "skin/images.parquet")
    wide = tmp_path / "features.safetensors"
    save_file({"tiny/images": torch.ones(len(table), 7) + torch.rand(len(table), 7)}, wide)
    with pytest.raises(CraftError, match="have 32 columns, those of the test images of skin 7"):
        measure_fidelity(settings(folder), folder / "skin/images.parquet", wide, folder / "skin")


def test_features_of_another_table_or_evaluator_are_one_sentence(folder, tmp_path):
    path = folder / "skin/features.safetensors"
    with pytest.raises(CraftError, match=r"holds \d+ images, its table 9"):
        encoded_images(path, "tiny", 9)
    with pytest.raises(CraftError, match="no features of evaluator 'other'"):
        encoded_images(path, "other", 48)
    with pytest.raises(CraftError, match="no feature file"):
        encoded_images(tmp_path / "features.safetensors", "tiny", 48)


def test_inception_without_torchvision_is_one_sentence(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(CraftError, match=r"needs torchvision, which is not installed.*inception: null"):
        measure(folder, settings(folder, inception="inception.safetensors"))


@pytest.fixture
def torchvision(monkeypatch):
    """A stand-in for torchvision, whose Inception-v3 is a small network with the same last layer."""

    class Network(torch.nn.Sequential):
        def __init__(self, weights=None, init_weights=False):
            super().__init__()
            self.body = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
            self.fc = torch.nn.Linear(12, 3)

    models = types.ModuleType("torchvision.models")
    models.inception_v3 = Network
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return Network


def test_inception_features_stand_beside_those_of_the_evaluators(folder, torchvision, tmp_path):
    save_file(torchvision().state_dict(), tmp_path / "inception.safetensors")
    frame = measure(folder, settings(folder, inception=str(tmp_path / "inception.safetensors")))
    assert set(frame["evaluator"]) == {"tiny", "inception"} and np.isfinite(frame["value"]).all()


def test_missing_or_foreign_inception_weights_are_one_sentence(torchvision, tmp_path):
    with pytest.raises(CraftError, match=r"nowhere\.safetensors', expected a safetensors file"):
        inception_encoder(str(tmp_path / "nowhere.safetensors"))
    (tmp_path / "weights.pth").write_bytes(b"x")
    with pytest.raises(CraftError, match="expected a safetensors file"):
        inception_encoder(str(tmp_path / "weights.pth"))
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(CraftError, match="does not hold the weights"):
        inception_encoder(str(tmp_path / "cut.safetensors"))
    with pytest.raises(CraftError, match="does not hold the weights of torchvision's Inception-v3"):
        inception_encoder(str(tmp_path / "other.safetensors"))


def test_table_averages_seeds_and_holds_their_spread(fake_run):
    table = fidelity_table(read_fidelity(*fake_run), fake_run[1])
    assert len(table) == len(LABELS) * (len(METHODS) + 1) * len(FIDELITY)
    rows = table.set_index(["dataset", "method", "metric"])
    assert rows.loc[("skin", "craft", "fid"), "value"] == pytest.approx(20 * 0.28)
    assert (rows.loc[("skin", "craft", "fid"), "seeds"], rows.loc[("skin", "real", "fid"), "seeds"]) == (2, 1)
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert (table["source"].str.endswith("/fidelity.parquet")).all()


def test_disagreeing_seeds_widen_the_interval_of_the_table():
    draws = list(np.random.default_rng(0).normal(0, 0.1, size=(2, 400)))
    apart = pd.DataFrame({"value": [1.0, 3.0], "n": 10, "draws": [draws[0] + 1, draws[1] + 3]})
    number = nest_seeds(apart, 0.95, "apart")
    assert number.value == 2 and number.low < 1.2 and number.high > 2.8 and (number.n, number.seeds) == (20, 2)
    alone = nest_seeds(apart.iloc[:1], 0.95, "alone")
    assert alone.high - alone.low == pytest.approx(0.4, abs=0.08)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda path: path.unlink(), "no fidelity .*chest"),
        (lambda path: pd.read_parquet(path).drop(columns="draws").to_parquet(path), "the column 'draws' is missing"),
        (lambda path: pd.read_parquet(path).assign(value=np.nan).to_parquet(path), "a value that is not finite"),
    ],
)
def test_bad_fidelity_files_are_one_sentence(tmp_path, spoil, finding):
    run = make_results(tmp_path, per_label=2)
    spoil(tmp_path / "chest/fidelity.parquet")
    with pytest.raises(CraftError, match=finding) as error:
        read_fidelity(tmp_path, run)
    assert "\n" not in str(error.value)
