"""What is exported loads elsewhere, is what the run made, and says what it is."""

import re

import pandas as pd
import pytest
import torch
from datasets import load_dataset
from diffusers import StableDiffusionPipeline
from fake_results import make_results
from tiny import tiny_foundation
from typer.testing import CliRunner

from craft.cli import app
from craft.core.errors import CraftError
from craft.core.files import write_csv
from craft.core.images import read_images
from craft.core.reading import read_json
from craft.evaluation.results import Results
from craft.evaluation.tables import collect_tables
from craft.models.foundation import Foundation
from craft.training.settings import GenerationJob

SAMPLING = {"scheduler": "ddim", "steps": 2, "guidance_scale": 2.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one dataset: another program made the images of `lora`; `craft` has an adapter on a tiny foundation."""
    folder = tmp_path_factory.mktemp("export")
    results = folder / "results"
    make_results(results, labels={"skin": ["naevus", "melanoma"]}, seeds=(0,), per_label=6, given=("lora",))
    for name, table in collect_tables(Results.load(results)).items():
        write_csv(results / "tables" / f"{name}.csv", table)
    foundation = tiny_foundation()
    foundation.save(folder / "foundation")
    foundation = Foundation.load(str(folder / "foundation"))
    generator = torch.Generator().manual_seed(0)
    for parameter in foundation.add_adapter(rank=4, alpha=4):
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    adapter = results / "skin/craft/seed0/adapter"
    foundation.save_adapter(adapter)
    job = GenerationJob.model_validate(
        {"dataset": "skin", "method": "craft", "seed": 0, "prompts": "plain", "resolution": 32, "sampling": SAMPLING}
        | {"foundation": {"path": str(folder / "foundation")}, "adapter": str(adapter)}
        | {"generation": {"images_per_dataset": 12}}
    )
    (adapter.parent / "settings").mkdir()
    job.save(adapter.parent / "settings/generate_images.yaml")
    return results


def export(run, *arguments: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["export", *arguments, "--run", str(run)], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_an_exported_generator_predicts_what_the_runs_does_in_plain_diffusers(run, tmp_path):
    export(run, "craft", "--output", str(tmp_path / "model"))
    own = Foundation.load(str(run.parent / "foundation"), run / "skin/craft/seed0/adapter")
    plain = StableDiffusionPipeline.from_pretrained(tmp_path / "model")
    noisy = torch.randn(2, *own.latent_shape, generator=torch.Generator().manual_seed(0))
    inputs = (noisy, torch.tensor([10, 800]), own.encode_prompts(["a", "b"]))
    with torch.no_grad():
        mine, theirs = own.unet(*inputs).sample, plain.unet(*inputs).sample
        bare = Foundation.load(str(run.parent / "foundation")).unet(*inputs).sample
    assert (mine - theirs).abs().max() < 0.02 * mine.abs().max()
    assert (mine - bare).abs().max() > 0.1 * mine.abs().max()


def test_the_card_has_the_scores_of_the_run_and_its_data(run, tmp_path):
    export(run, "craft", "--output", str(tmp_path / "model"))
    card = (tmp_path / "model/README.md").read_text()
    table = pd.read_csv(run / "tables/cas.csv")
    row = table[(table["method"] == "craft") & (table["label"] == "all") & (table["metric"] == "cas")]
    held_out = row[row["role"] == "held_out"].iloc[0]
    assert f"| {held_out['evaluator']} | cas | {held_out['value']:.3f} ({held_out['low']:.3f} to" in card
    assert "Not for clinical use" in card and "license: other" in card and str(run.parent) not in card
    record = read_json(tmp_path / "model/provenance.json")
    assert record["name"] == "skin/craft/seed0" and "unet/config.json" in record["files"]
    assert str(run.parent) not in str(record)


def test_exported_images_are_those_above_the_threshold_and_load_as_a_dataset(run, tmp_path):
    said = export(run, "craft", "--images", "--min-cas", "0.6", "--output", str(tmp_path / "images"))
    scores = pd.read_parquet(run / "skin/craft/seed0/scores.parquet")
    held_out = scores[scores["role"] == "held_out"]
    wanted = set(held_out[held_out["cas"] >= 0.6]["image_id"])
    rows = pd.read_csv(tmp_path / "images/metadata.csv", dtype={"label": str})
    assert 0 < len(rows) < len(held_out) and said.startswith(f"{len(rows)} images of skin/craft/seed0")
    assert {re.search(r"/(\d+)\.png", name)[1] for name in rows["file_name"]} == wanted
    loaded = load_dataset(
        "imagefolder", data_dir=str(tmp_path / "images"), split="train", cache_dir=str(tmp_path / "c")
    )
    assert len(loaded) == len(rows) and loaded[0]["image"].size == (32, 32)
    sheet = (tmp_path / "images/README.md").read_text()
    assert f"{len(rows)} of {len(held_out)} images" in sheet and "judge them with another" in sheet


def test_images_as_tables_keep_every_pixel(run, tmp_path):
    export(run, "craft", "--images", "--parquet", "--evaluator", "clip_bit", "--output", str(tmp_path / "images"))
    own, exported = (
        read_images(run / "skin/craft/seed0/images.parquet"),
        read_images(tmp_path / "images/images.parquet"),
    )
    assert exported[list(own)].equals(own)
    scores, all_scores = (
        pd.read_parquet(path) for path in (tmp_path / "images/scores.parquet", run / "skin/craft/seed0/scores.parquet")
    )
    monitor = all_scores[all_scores["evaluator"] == "clip_bit"]
    assert scores["cas"].tolist() == monitor["cas"].tolist()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody"], "the run has no method 'nobody'; name one of foundation, lora, craft"),
        (["craft", "--dataset", "chest"], "the run has no dataset 'chest'; name one of skin with `--dataset`"),
        (["craft", "--min-cas", "0.5"], "`--min-cas` chooses among images; add `--images`"),
        (["craft", "--images", "--min-cas", "1"], "no image of skin/craft/seed0 has a CAS of 1; the highest is"),
        (["craft", "--images", "--evaluator", "x"], "the run has no evaluator 'x'; name one of clip_resnet, clip_bit"),
        (["lora"], "another program made the images of 'lora'"),
        (["foundation"], "no table .*generate_images.yaml"),
    ],
)
def test_what_cannot_be_exported_ends_with_one_sentence_and_writes_nothing(run, tmp_path, arguments, sentence):
    with pytest.raises(CraftError, match=sentence):
        export(run, *arguments, "--output", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_not_written_over(run, tmp_path):
    with pytest.raises(CraftError, match="is there already; remove it, or name another"):
        export(run, "craft", "--output", str(tmp_path))
