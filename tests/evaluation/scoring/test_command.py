"""`craft score`: anyone's images against a run, and one sentence for whatever does not fit it."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny import save_judge, tiny_encoder, tiny_judge, tiny_knowledge, tiny_ref

import craft
from craft.commands.score import command as score
from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.files import write_json, write_parquet, write_text
from craft.core.images import decode_images, image_row, read_images, write_images
from craft.core.reading import read_json
from craft.evaluation.scoring.score import describe, score_images, summarise
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.scoring.settings import ScoreJob
from craft.evaluation.scoring.yardstick import Yardstick
from craft.evaluation.statistics.tails import tail_threshold
from craft.reward.calibration import calibrate
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import ImageFeatures
from craft.reward.features import Features, calibration_to_json, compute_features, write_features
from craft.reward.judge import Judge

SIZE, LABELS = 32, ["nevus", "melanoma"]
SPLITS = ["train", "reference", "held_out_reference", "calibration", "test"]


def draw_rows(count: int, seed: int, split: str | None = None) -> list[dict]:
    """Noise whose brightness tells the label."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        image = rng.integers(80 * (index % 2), 176 + 80 * (index % 2), (SIZE, SIZE, 3), dtype=np.uint8)
        rows.append(image_row(image, label=LABELS[index % 2], split=split or SPLITS[index // 2 % 5], origin="noise"))
    return rows


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder as far as scoring reads it."""
    root = tmp_path_factory.mktemp("results")
    folder, knowledge, ref = root / "skin", tiny_knowledge(), tiny_ref("held", "held_out", root)
    save_judge(tiny_judge(SIZE), ref)
    write_images(folder / "images.parquet", draw_rows(64, 0))
    frame = read_images(folder / "images.parquet")
    write_text(folder / "knowledge.yaml", knowledge.to_yaml())
    job = ScoreJob(
        dataset="skin",
        modality="dermoscopy",
        labels=LABELS,
        evaluators=[ref],
        phantom_classifier=None,
        generated=[],
        neighbours=3,
    )
    write_text(folder / "settings/score_images.yaml", job.to_yaml())
    # the folder's weights are those in half precision
    write_features(folder / "features.safetensors", frame, compute_features(Judge.load(ref), [frame], knowledge, ref))
    known = Features(folder / "features.safetensors", frame, knowledge)
    maps = {"held": calibrate(known.raw_scores(ref, 3), *known.split(ref, "calibration"), known.damaged(ref))}
    write_json(folder / "calibration.json", calibration_to_json(maps, known.labels, {"held": known.digest(ref)}))
    scorer = Scorer.load(job, known, folder / "calibration.json")
    write_parquet(folder / "real/seed0/scores.parquet", scorer.score_real())
    return root


@pytest.fixture
def broken(results, tmp_path):
    """A copy of the results folder that a test may spoil."""
    shutil.copytree(results, tmp_path / "broken")
    return tmp_path / "broken"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Class sub-folders of images of many sizes and formats, one of which is torn."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(1)
    for index, (width, height, suffix) in enumerate([(120, 90, "jpg"), (33, 200, "png"), (SIZE, SIZE, "bmp")]):
        for label in LABELS:
            (folder / label).mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index}.{suffix}")
    (folder / "nevus" / "torn.png").write_bytes((folder / "nevus" / "1.png").read_bytes()[:200])
    return folder


@pytest.fixture
def command(monkeypatch):
    """Runs the command in this process and returns its exit code."""

    def call(*arguments) -> int:
        monkeypatch.setattr(sys, "argv", ["craft score", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(score)
        return ended.value.code

    return call


def test_the_real_test_images_get_the_scores_that_the_run_gave_them(results):
    test = read_images(results / "skin/images.parquet", "test")
    scores = craft.score(list(decode_images(test)), test["label"].tolist(), "dermoscopy", "held", run=results)
    real = pd.read_parquet(results / "skin/real/seed0/scores.parquet")
    assert np.allclose(scores[[*DIMENSIONS, "cas"]], real[[*DIMENSIONS, "cas"]], atol=1e-5)
    threshold = tail_threshold(real["cas"], 0.1, real["label"].to_numpy(str))
    clear = (real["cas"] - threshold).abs() > 1e-5
    assert scores["tail"][clear].tolist() == (real["cas"] < threshold)[clear].tolist()


def test_a_folder_a_label_table_a_parquet_table_and_a_list_score_alike(results, photographs, tmp_path, caplog):
    by_folder = craft.score(photographs, modality="skin", run=results)
    assert len(by_folder) == 6 and "left out: nevus/torn.png cannot be decoded" in caplog.text
    files = [photographs / name for name in by_folder["file"]]
    by_list = craft.score(files, by_folder["label"].tolist(), "skin", run=results)
    frame = pd.DataFrame({"image": [file.read_bytes() for file in files], "label": by_folder["label"]})
    frame.to_parquet(tmp_path / "table.parquet")
    by_table = craft.score(tmp_path / "table.parquet", modality="skin", run=results)
    for file in files:
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        (tmp_path / file.parent.name / file.name).write_bytes(file.read_bytes())
    renamed = by_folder["label"].map({"nevus": "nv", "melanoma": "mel"})
    pd.DataFrame({"file": by_folder["file"], "dx": renamed}).to_csv(tmp_path / "labels.csv", index=False)
    names = {"nv": "nevus", "mel": "melanoma"}
    by_csv = score_images(Yardstick.load(results, "skin"), tmp_path, None, names, label_column="dx")
    columns = ["label", *DIMENSIONS, "cas", "tail", "out_of_distribution"]
    for other in (by_list, by_table, by_csv):
        pd.testing.assert_frame_equal(by_folder[columns], other[columns], atol=1e-6)
    assert by_table["file"].tolist() == [str(row) for row in range(6)]


def test_an_image_scores_the_same_whoever_stands_beside_it(results, photographs):
    whole = craft.score(photographs, modality="skin", run=results)
    alone = craft.score([photographs / whole["file"][3]], [whole["label"][3]], "skin", run=results)
    assert np.allclose(alone[[*DIMENSIONS, "cas"]], whole.loc[[3], [*DIMENSIONS, "cas"]], atol=1e-6)


def test_the_summary_shows_real_images_beside_the_scored_ones(results):
    yardstick = Yardstick.load(results, "skin")
    rows = draw_rows(20, 5, "generated")[::2]
    frame = score_images(yardstick, list(decode_images(pd.DataFrame(rows))), ["nevus"] * 10, {})
    table = summarise(frame, yardstick).set_index(["label", "metric"])
    assert table.loc[("all", "cas"), "value"] == pytest.approx(frame["cas"].mean(), abs=1e-6)
    beside = yardstick.real.query("label == 'nevus'")["cas"]
    assert table.loc[("all", "cas"), "real_value"] == pytest.approx(beside.mean(), abs=1e-6)
    assert table.loc[("nevus", "tail_rate"), "value"] == frame["tail"].mean()
    assert table.loc[("nevus", "cas"), "real_n"] == (yardstick.real["label"] == "nevus").sum()
    assert "melanoma" not in table.index.get_level_values("label")
    assert "real test images" in describe(table.reset_index(), yardstick)


def test_the_command_writes_scores_and_summary(results, photographs, tmp_path, command, capsys, caplog):
    outputs = {"--output": tmp_path / "scores.parquet", "--summary": tmp_path / "summary.csv"}
    options = [text for pair in outputs.items() for text in pair]
    assert command(photographs, "--dataset", "skin", "--run", results, *options) == 0
    said = capsys.readouterr().out
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert list(scores) == ["file", "label", *DIMENSIONS, "cas", "tail", "out_of_distribution"] and len(scores) == 6
    assert "tail_rate" in said and "torn.png" in caplog.text and "held_out" in said
    assert len(pd.read_csv(tmp_path / "summary.csv")) == 3 * 7


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "holds no image"),
        ({"--output": "scores.txt"}, "must end in .csv or .parquet"),
        ({"--rename": "mel"}, "names no pair"),
        ({"--evaluator": "other"}, "no evaluator 'other'"),
    ],
)
def test_the_command_ends_with_one_sentence_and_exit_code_two(results, tmp_path, command, capsys, options, named):
    """What it is given is an empty folder."""
    options = {"--dataset": "skin", "--run": results, "--output": tmp_path / "scores.csv"} | options
    assert command(tmp_path, *(text for pair in options.items() for text in pair)) == 2
    said = capsys.readouterr()
    sentences = [line for line in said.err.splitlines() if line.startswith("craft: ")]
    assert len(sentences) == 1 and named in sentences[0]
    assert not list(tmp_path.iterdir()) and not said.out


def unlabelled(folder):
    pd.DataFrame({"image": [b"x"]}).to_parquet(folder / "table.parquet")
    return folder / "table.parquet", None


def no_image(folder):
    (folder / "a.jpg").write_text("text")
    return [folder / "a.jpg"], ["nevus"]


def no_table(folder):
    (folder / "a.csv").write_text("text")
    return folder / "a.csv", None


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda folder: (folder / "nowhere", None), "no image folder or table"),
        (lambda folder: ([], []), "no image to score"),
        (lambda folder: ([np.zeros((8, 8, 3), np.uint8)], None), "no labels"),
        (lambda folder: ([np.zeros((8, 8, 3), np.uint8)], ["wart"]), "the label 'wart', which has no reference"),
        (lambda folder: (folder, ["nevus"]), "has its own labels"),
        (unlabelled, "no column 'label', only image"),
        (no_image, "none of the 1 images can be read"),
        (no_table, "cannot be read as a parquet table"),
    ],
)
def test_images_that_cannot_be_scored_are_one_sentence(results, tmp_path, make, named):
    images, labels = make(tmp_path)
    with pytest.raises(CraftError, match=named) as error:
        craft.score(images, labels, "skin", run=results)
    assert "\n" not in str(error.value)


def spoil_features(folder):
    frame = read_images(folder / "images.parquet")
    ref = tiny_ref("held", "held_out", folder)
    write_features(
        folder / "features.safetensors", frame, compute_features(tiny_judge(seed=5), [frame], tiny_knowledge(), ref)
    )


def spoil_visual_features(folder):
    frame = read_images(folder / "images.parquet")
    ref, judge = tiny_ref("held", "held_out", folder), Judge(tiny_judge().evaluator, tiny_encoder(seed=5))
    write_features(folder / "features.safetensors", frame, compute_features(judge, [frame], tiny_knowledge(), ref))


def spoil_labels(folder):
    rows = draw_rows(64, 0)
    rows[4]["label"] = "melanoma"
    write_images(folder / "images.parquet", rows)


def change_weights(folder):
    path = folder / "knowledge.yaml"
    path.write_text(path.read_text().replace("weight: 1.0", "weight: 2.0", 1))


@pytest.mark.parametrize("spoil", [spoil_features, spoil_visual_features, spoil_labels, change_weights])
def test_a_calibration_of_other_data_is_refused(broken, spoil):
    spoil(broken / "skin")
    with pytest.raises(CraftError, match=r"fitted on other data than .*--forcerun calibrate_cas"):
        Yardstick.load(broken, "skin")


def test_a_calibration_that_does_not_say_what_it_was_fitted_on_is_used_with_a_warning(broken, caplog):
    path = broken / "skin/calibration.json"
    content = read_json(path)
    content["held"].pop("fitted_on")
    path.write_text(json.dumps(content))
    Yardstick.load(broken, "skin")
    assert "does not say which features it was fitted on" in caplog.text


def test_a_calibration_with_one_intercept_for_all_labels_is_refused(broken):
    path = broken / "skin/calibration.json"
    content = read_json(path)
    for numbers in content["held"].values():
        if isinstance(numbers, dict):
            numbers["intercept"] = max(numbers.pop("intercepts").values())
    path.write_text(json.dumps(content))
    with pytest.raises(CraftError, match=r"'held' holds what is no map of a dimension.*--forcerun calibrate_cas"):
        Yardstick.load(broken, "skin")


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("calibration.json", "no calibration"),
        ("features.safetensors", "no feature file"),
        ("knowledge.yaml", "no knowledge file"),
        ("images.parquet", "no image table"),
        ("real/seed0/scores.parquet", r"no table .*real/seed0/scores.parquet"),
    ],
)
def test_a_missing_file_of_the_run_is_named(broken, file, named):
    (broken / "skin" / file).unlink()
    with pytest.raises(CraftError, match=named):
        Yardstick.load(broken, "skin")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("held", "image-text evaluator"), ("held_encoder", "vision encoder")],
    ids=["evaluator", "encoder"],
)
def test_a_model_that_the_run_trained_is_found_where_the_results_lie_now(broken, results, name, kind):
    trained = f"{kind.split()[-1]}-{name}"
    path = broken / "skin/settings/score_images.yaml"
    path.write_text(path.read_text().replace(f"path: {results / name}\n", f"path: results/models/{trained}\n"))
    with pytest.raises(CraftError, match=f"no {kind} can be loaded"):
        Yardstick.load(broken, "skin")
    (broken / "models").mkdir()
    (broken / name).rename(broken / "models" / trained)
    assert Yardstick.load(broken, "skin").judge.evaluator.size == SIZE


def test_unknown_datasets_and_evaluators_are_answered_with_the_known_ones(results, tmp_path):
    with pytest.raises(CraftError, match="no dataset 'retina'; name one of its datasets: skin"):
        Yardstick.load(results, "retina")
    with pytest.raises(CraftError, match=r"no evaluator 'other'; name one of held \(held_out\)"):
        Yardstick.load(results, "skin", "other")
    with pytest.raises(CraftError, match="holds no scored dataset"):
        Yardstick.load(tmp_path, "skin")


@pytest.mark.parametrize("widths", [(48, 64), (32, 48)])
def test_features_of_another_width_are_refused(results, widths):
    yardstick, features = Yardstick.load(results, "skin"), ImageFeatures(*(torch.rand(2, width) for width in widths))
    said = rf"{widths[0]} and {widths[1]} numbers wide, those of the texts 32 and of the reference images 64"
    with pytest.raises(CraftError, match=said):
        yardstick.alignment(features, torch.tensor([0, 1]))


def test_an_image_below_all_but_one_in_a_hundred_real_ones_is_out_of_distribution(results):
    yardstick = Yardstick.load(results, "skin")
    rows = draw_rows(20, 5, "generated")
    blank = [np.full((SIZE, SIZE, 3), 20 * level, np.uint8) for level in range(10)]
    images = [*decode_images(pd.DataFrame(rows)), *blank]
    frame = score_images(yardstick, images, ["nevus", "melanoma"] * 15, {})
    limit = np.quantile(yardstick.real["plausibility"], 0.01)
    assert frame["out_of_distribution"].tolist() == (frame["plausibility"] < limit).tolist()
    assert frame["out_of_distribution"][20:].mean() > frame["out_of_distribution"][:20].mean()
    table = summarise(frame, yardstick).set_index(["label", "metric"])
    assert table.loc[("all", "out_of_distribution"), "value"] == frame["out_of_distribution"].mean()


def test_craft_is_imported_without_loading_torch():
    code = "import sys, craft; assert 'torch' not in sys.modules and callable(craft.score)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        craft.scores  # noqa: B018
