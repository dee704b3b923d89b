"""Fidelity of a dataset: features of a real small evaluator, floors, mistakes, and the table of it all."""

import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import LABELS, METHODS, make_results
from in_process import run_script
from safetensors.torch import save_file
from tiny import tiny_evaluator

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.rows import write_rows
from craft.core.settings import ImageSet
from craft.evaluation.fidelity.features import encoded_images, inception_encoder
from craft.evaluation.fidelity.measure import measure_fidelity, pick_floor
from craft.evaluation.fidelity.metrics import METRICS
from craft.evaluation.fidelity.results import COLUMNS, FIDELITY
from craft.evaluation.fidelity.settings import FidelityJob, FidelitySettings
from craft.evaluation.fidelity.table import TABLE, over_seeds
from craft.evaluation.results import Results, set_file
from craft.evaluation.settings import FeaturesRef

TINY = FeaturesRef(name="tiny", role="held_out")
SETS = [ImageSet(method=name, seed=0) for name in ("decoded", "lora", "craft")]
MEASURED = ["real", "decoded", "lora", "craft"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder with two methods, and the features that a tiny evaluator has of all their images."""
    root = tmp_path_factory.mktemp("fidelity")
    make_results(root, labels={"skin": LABELS["skin"]}, methods=["lora", "craft"], seeds=(0,), per_label=8)
    evaluator = tiny_evaluator()
    for path in root.glob("skin/**/images.parquet"):
        table = read_images(path)
        rows = {"tiny/images": evaluator.embed(to_tensor(decode_images(table)))}
        write_rows(path.with_name("features.safetensors"), table["image_id"].to_list(), rows)
    return root


@pytest.fixture
def results(fake_run) -> Results:
    return Results(*fake_run)


def job_of(**changes) -> FidelityJob:
    fidelity = FidelitySettings(bootstrap=20, neighbours=3, **changes)
    return FidelityJob(dataset="skin", features=[TINY], generated=SETS, fidelity=fidelity)


def files_of(folder: Path, **changes) -> dict:
    """The files that the rule hands over."""
    generated = [folder / set_file("skin", each.method, each.seed, "images.parquet") for each in SETS]
    files = {"images": folder / "skin/images.parquet", "features": folder / "skin/features.safetensors"}
    files |= {"generated": generated, "embeddings": [path.with_name("features.safetensors") for path in generated]}
    return files | changes


def measure(folder: Path, job: FidelityJob, **changes) -> pd.DataFrame:
    return measure_fidelity(job, **files_of(folder, **changes))


def test_every_method_and_the_real_floor_have_every_metric(folder):
    frame = measure(folder, job_of())
    assert tuple(frame.columns) == COLUMNS
    assert frame.groupby("method")["metric"].apply(tuple).to_dict() == dict.fromkeys(MEASURED, METRICS)
    assert (frame["n"] == 24).all() and np.isfinite(frame["value"]).all() and set(frame["role"]) == {"held_out"}
    assert all(len(resamples) == 20 for resamples in frame["resamples"])
    again = measure(folder, job_of())
    assert again.drop(columns="resamples").equals(frame.drop(columns="resamples"))


def test_features_belong_to_images_by_their_ids_not_by_their_place(folder, tmp_path):
    path = files_of(folder)["embeddings"][0]
    table = read_images(path.with_name("images.parquet"))
    order = np.random.default_rng(0).permutation(len(table))
    embeddings = encoded_images(path, TINY, table["image_id"].iloc[order]) / np.sqrt(32)
    moved = tmp_path / "features.safetensors"
    write_rows(moved, table["image_id"].iloc[order].to_list(), {"tiny/images": torch.from_numpy(embeddings)})
    found = measure(folder, job_of(), embeddings=[moved, *files_of(folder)["embeddings"][1:]])
    assert found["value"].to_numpy() == pytest.approx(measure(folder, job_of())["value"].to_numpy(), rel=1e-6)


def test_features_of_an_encoder_are_taken_as_they_are(folder):
    path = files_of(folder)["features"]
    ids = read_images(folder / "skin/images.parquet")["image_id"].to_list()
    plain = encoded_images(path, TINY.model_copy(update={"unit": False}), ids)
    assert plain * np.sqrt(plain.shape[1]) == pytest.approx(encoded_images(path, TINY, ids))


def test_fewer_files_than_image_sets_are_one_sentence(folder):
    files = files_of(folder)
    for option in ("generated", "embeddings"):
        with pytest.raises(CraftError, match=rf"name 3 image sets, but `--{option}` gives 1 files"):
            measure(folder, job_of(), **{option: files[option][:1]})


def test_script_writes_what_the_library_finds(folder, tmp_path):
    job = job_of()
    job.save(tmp_path / "settings.yaml")
    options = []
    for name, paths in (files_of(folder) | {"output": tmp_path / "fidelity.parquet"}).items():
        for path in paths if isinstance(paths, list) else [paths]:
            options += [f"--{name}", path]
    assert run_script("measure_fidelity", tmp_path / "settings.yaml", *options).returncode == 0
    written, found = FIDELITY.load(tmp_path / "fidelity.parquet"), measure(folder, job)
    assert written.drop(columns="resamples").equals(found.drop(columns="resamples"))


def test_the_floor_holds_as_many_training_images_of_every_label_as_are_generated(folder):
    table = read_images(folder / "skin/images.parquet")
    labels = pd.Series(["naevus"] * 5 + ["melanoma"] * 100)
    floor = table.iloc[pick_floor(table, labels, "skin")]
    assert set(floor["split"]) == {"train"}
    assert floor["label"].value_counts().to_dict() == {"melanoma": 8, "naevus": 5}


def test_real_images_are_as_many_as_a_method_generates_and_not_as_the_decoded_ones(folder, tmp_path):
    few, table = tmp_path / "images.parquet", read_images(folder / set_file("skin", "decoded", 0, "images.parquet"))
    table.groupby("label").head(3).to_parquet(few)
    frame = measure(folder, job_of(), generated=[few, *files_of(folder)["generated"][1:]])
    assert frame.groupby("method")["n"].first().to_dict() == {"real": 24, "decoded": 9, "lora": 24, "craft": 24}
    counted = frame[frame["method"] == "decoded"].set_index("metric")["n"]
    assert counted[["precision", "recall", "coverage"]].tolist() == [9, 24, 24], "recall is a share of real images"


def test_features_of_another_width_are_one_sentence(folder, tmp_path):
    ids = read_images(folder / "skin/images.parquet")["image_id"].to_list()
    wide = tmp_path / "features.safetensors"
    write_rows(wide, ids, {"tiny/images": torch.ones(len(ids), 7) + torch.rand(len(ids), 7)})
    with pytest.raises(CraftError, match="have 32 columns, those of the test images of skin 7"):
        measure(folder, job_of(), features=wide)


def test_features_of_another_table_or_evaluator_are_one_sentence(folder, tmp_path):
    path = folder / "skin/features.safetensors"
    ids = read_images(folder / "skin/images.parquet")["image_id"].to_list()
    with pytest.raises(CraftError, match=r"'unseen' \(1 of \d+ are missing\)"):
        encoded_images(path, TINY, [*ids, "unseen"])
    with pytest.raises(CraftError, match=r"has no .*other"):
        encoded_images(path, TINY.model_copy(update={"name": "other"}), ids)
    with pytest.raises(CraftError, match=r"no .*file .*features\.safetensors"):
        encoded_images(tmp_path / "features.safetensors", TINY, ids)


def test_inception_without_torchvision_is_one_sentence(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(CraftError, match=r"needs torchvision, which is not installed.*inception: null"):
        measure(folder, job_of(inception="inception.safetensors"))


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
    frame = measure(folder, job_of(inception=str(tmp_path / "inception.safetensors")))
    assert set(frame["evaluator"]) == {"tiny", "inception"} and np.isfinite(frame["value"]).all()


def test_missing_or_foreign_inception_weights_are_one_sentence(torchvision, tmp_path):
    with pytest.raises(CraftError, match=r"nowhere\.safetensors', expected a safetensors file"):
        inception_encoder(str(tmp_path / "nowhere.safetensors"))
    (tmp_path / "weights.pth").write_bytes(b"x")
    with pytest.raises(CraftError, match="expected a safetensors file"):
        inception_encoder(str(tmp_path / "weights.pth"))
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(CraftError, match="cannot be read as safetensors"):
        inception_encoder(str(tmp_path / "cut.safetensors"))
    with pytest.raises(CraftError, match="does not hold the weights of torchvision's Inception-v3"):
        inception_encoder(str(tmp_path / "other.safetensors"))


def test_table_averages_seeds_and_holds_their_spread(results):
    table = TABLE.make(results)
    assert tuple(table.columns) == TABLE.columns
    assert len(table) == len(LABELS) * (len(METHODS) + 2) * len(METRICS)
    rows = table.set_index(["dataset", "method", "metric"])
    assert rows.loc[("skin", "craft", "fid"), "value"] == pytest.approx(20 * 0.28)
    assert (rows.loc[("skin", "craft", "fid"), "seeds"], rows.loc[("skin", "real", "fid"), "seeds"]) == (2, 1)
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert (table["source"].str.endswith("/fidelity.parquet")).all()


def test_disagreeing_seeds_widen_the_interval_of_the_table():
    noise = list(np.random.default_rng(0).normal(0, 0.1, size=(2, 400)))
    apart = pd.DataFrame({"value": [1.0, 3.0], "n": 10, "resamples": [noise[0] + 1, noise[1] + 3]})
    (number,) = over_seeds(apart.assign(natural=[4.0, 5.0])).estimates(0.95)
    assert number.value == 2 and number.low < 1.2 and number.high > 2.8 and (number.n, number.seeds) == (20, 2)
    (alone,) = over_seeds(apart.iloc[:1].assign(natural=np.nan)).estimates(0.95)
    assert alone.high - alone.low == pytest.approx(0.4, abs=0.08)
    assert number.natural == 4.5 and np.isnan(alone.natural)


def test_what_seeds_share_does_not_shrink_with_their_number():
    """Resamples of the real images move the values of all seeds alike."""
    shared = np.random.default_rng(1).normal(0, 0.1, size=400)
    seeds = pd.DataFrame({"value": 1.0, "natural": 1.0, "n": 10, "resamples": [1 + shared] * 4})
    (number,) = over_seeds(seeds).estimates(0.95)
    assert number.high - number.low == pytest.approx(2 * 1.96 * shared.std(), rel=0.05)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda path: path.unlink(), r"no table .*chest/fidelity\.parquet"),
        (
            lambda path: pd.read_parquet(path).drop(columns="resamples").to_parquet(path),
            "the column 'resamples' is missing",
        ),
        (
            lambda path: pd.read_parquet(path).assign(value=np.nan).to_parquet(path),
            "a value that is not finite: fid of real, seed 0, under 'siglip_regnet'",
        ),
        (lambda path: pd.read_parquet(path).iloc[:0].to_parquet(path), "has no row"),
    ],
)
def test_bad_fidelity_files_are_one_sentence(tmp_path, spoil, finding):
    make_results(tmp_path, per_label=2)
    spoil(tmp_path / "chest/fidelity.parquet")
    with pytest.raises(CraftError, match=finding) as error:
        Results.load(tmp_path).read(FIDELITY)
    assert "\n" not in str(error.value)
