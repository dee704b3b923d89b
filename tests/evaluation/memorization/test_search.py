"""Memorization: planted copies are found, fresh phantoms are not, and trained-on images betray themselves if copied.

Copies are looked for among all real images that the run saw, not only among those that it trained on.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import make_results
from in_process import run_script
from PIL import Image
from tiny import tiny_evaluator

from craft.core.errors import CraftError
from craft.core.images import decode_images, image_row, read_images, to_tensor, write_images
from craft.core.rows import write_rows
from craft.core.settings import ImageSet
from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.datasets.splits import SEEN_SPLITS
from craft.evaluation.memorization.results import (
    MEASURES,
    MEMBERSHIP,
    MEMBERSHIP_COLUMNS,
    NEIGHBOUR_COLUMNS,
    NEIGHBOURS,
)
from craft.evaluation.memorization.search import read_twins, search_copies
from craft.evaluation.memorization.settings import MemorizationJob, MemorizationSettings
from craft.evaluation.memorization.table import memorization_table
from craft.evaluation.results import Results
from craft.evaluation.settings import FeaturesRef

MODALITY, LABEL, SIZE = "histopathology", "benign", 64
KINDS = ("exact", "flipped", "recompressed", "noisy", "shifted")
EACH = 6
HELD = FeaturesRef(name="held", role="held_out")


def recompress(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer).convert("RGB"))


def plant(image: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """A copy in disguise."""
    if kind == "flipped":
        return image[:, ::-1].copy()
    if kind == "recompressed":
        return recompress(image)
    if kind == "noisy":
        return (image + rng.normal(0, 6, image.shape)).clip(0, 255).astype(np.uint8)
    if kind == "shifted":
        return np.pad(image, ((2, 0), (1, 0), (0, 0)), mode="edge")[:SIZE, :SIZE]
    return image


def write_set(folder: Path, rows: list[dict]) -> None:
    """An image table and features of its images."""
    write_images(folder / "images.parquet", rows)
    images = to_tensor(decode_images(pd.DataFrame(rows)))
    ids = [row["image_id"] for row in rows]
    write_rows(folder / "features.safetensors", ids, {"held/images": tiny_evaluator(SIZE).embed(images)})


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A dataset whose method `copier` hands out seen images in disguise and whose method `fresh` draws anew.

    Exact copies are of reference images, all other ones of training images.
    """
    folder, rng = tmp_path_factory.mktemp("results") / "tissue", np.random.default_rng(0)

    def draw(seed: int, count: int, split: str) -> list[dict]:
        images = [make_phantom(find_modality(MODALITY), LABEL, SIZE, seed, index).image for index in range(count)]
        return [image_row(image, label=LABEL, split=split, origin="phantom") for image in images]

    train, test = draw(1, 60, "train"), draw(2, 60, "test")
    reference, calibration = draw(4, 12, "reference"), draw(5, 12, "calibration")
    # what nothing but held-out judges reads
    aside = draw(6, 40, "held_out_reference")
    write_set(folder, train + reference + calibration + aside + test)
    seen = reference[:EACH] + train[EACH:]
    originals = decode_images(pd.DataFrame(seen))
    copies = [
        (kind, plant(originals[number * EACH + index], kind, rng))
        for number, kind in enumerate(KINDS)
        for index in range(EACH)
    ]
    planted = [
        # as generated images, they are named by their number: copies need not differ
        image_row(image, label=LABEL, split="generated", origin=kind) | {"image_id": f"{number:06d}"}
        for number, (kind, image) in enumerate(copies)
    ]
    write_set(folder / "copier/seed0", planted)
    write_set(folder / "fresh/seed0", draw(3, 60, "generated"))
    sets = [ImageSet(method="copier", seed=0), ImageSet(method="fresh", seed=0)]
    job = MemorizationJob(dataset="tissue", features=HELD, generated=sets, memorization=MemorizationSettings())
    folders = [folder / each.method / f"seed{each.seed}" for each in sets]
    files = {"images": folder / "images.parquet", "features": folder / "features.safetensors"}
    files |= {"generated": [each / "images.parquet" for each in folders]}
    files |= {"embeddings": [each / "features.safetensors" for each in folders]}
    neighbours, membership = search_copies(job, **files)
    return job, files, neighbours, membership, [row["image_id"] for row in seen], planted


def test_twins_of_test_images_among_seen_ones_are_read_whatever_their_order(tmp_path):
    rows = [("a", "b", "test", "train"), ("c", "d", "calibration", "test"), ("e", "f", "test", "test")]
    rows += [("g", "h", "test", "held_out_reference")]
    pd.DataFrame(rows, columns=["image_id", "twin_id", "split", "twin_split"]).to_csv(tmp_path / "t.csv", index=False)
    assert read_twins(tmp_path / "t.csv") == {"a", "d"}
    assert read_twins(None) == set()
    with pytest.raises(CraftError, match="no table of twins"):
        read_twins(tmp_path / "none.csv")


@pytest.mark.parametrize("kind", KINDS)
def test_planted_copies_are_flagged_and_traced_to_their_original(search, kind):
    _, _, neighbours, _, seen, planted = search
    found = neighbours[neighbours["method"] == "copier"].reset_index(drop=True)
    rows = [row for row, image in enumerate(planted) if image["origin"] == kind]
    part = found.loc[rows]
    assert part["l2_copied"].all(), part[["l2_distance", "l2_ratio"]]
    assert part["l2_neighbour"].tolist() == [seen[row] for row in rows]
    assert set(part["l2_split"]) == {"reference" if kind == "exact" else "train"}
    assert (part["mirrored"] == (kind == "flipped")).all() and (part["l2_ratio"] < 0.5).all()
    assert part["ssim_neighbour"].tolist() == part["l2_neighbour"].tolist()


def test_only_images_that_the_run_saw_are_looked_among(search):
    neighbours = search[2]
    for measure in MEASURES:
        assert set(neighbours[f"{measure}_split"]) == set(SEEN_SPLITS)


def test_fresh_phantoms_are_flagged_no_oftener_than_real_test_images_would_be(search):
    neighbours = search[2]
    rates = neighbours.groupby("method")[["features_copied", "l2_copied", "ssim_copied"]].mean()
    assert (rates.loc["real"] <= 2 / 60).all()
    # with a chance of 1 % each, 5 or more of 60 are flagged once in 2500 times
    assert (rates.loc["fresh"] <= 4 / 60).all()


def test_exact_copies_have_no_distance_by_any_measure(search):
    exact = search[2].query("method == 'copier'").head(EACH)
    assert np.allclose(exact[["features_distance", "l2_distance", "ssim_distance"]], 0, atol=1e-5)
    assert exact["features_copied"].all() and exact["ssim_copied"].all()


def test_copies_betray_which_images_were_trained_on(search, tmp_path):
    _, _, neighbours, membership, _, _ = search
    run = make_results(tmp_path, per_label=2)
    run = run.model_copy(update={"datasets": {"tissue": [LABEL]}, "methods": ["copier", "fresh"], "seeds": [0]})
    table = memorization_table(neighbours, membership, run).set_index(["method", "evaluator", "metric"])
    leak = table[table["label"] == "all"]["value"]
    assert leak["copier", "l2", "membership_auroc"] > 0.65 and leak["copier", "held", "membership_auroc"] > 0.6
    assert 0.35 < leak["fresh", "l2", "membership_auroc"] < 0.65
    assert leak["copier", "l2", "copy_rate"] == 1.0 and leak["copier", "l2", "distance_ratio"] < 0.3


def test_tables_have_their_columns_and_real_images_come_first(search):
    _, _, neighbours, membership, _, _ = search
    assert tuple(neighbours.columns) == NEIGHBOUR_COLUMNS and tuple(membership.columns) == MEMBERSHIP_COLUMNS
    assert neighbours["method"].unique().tolist() == ["real", "copier", "fresh"]
    assert (neighbours[["features_ratio", "l2_ratio", "ssim_ratio"]].to_numpy() <= 1).all()
    assert membership.groupby(["method", "split"]).size().tolist() == [60] * 4


def test_script_writes_what_the_library_finds(search, tmp_path):
    job, files, neighbours, *_ = search
    job.save(tmp_path / "settings.yaml")
    outputs = {"neighbours": tmp_path / "n.parquet", "membership": tmp_path / "m.parquet"}
    options = []
    for name, paths in {**files, **outputs}.items():
        for path in paths if isinstance(paths, list) else [paths]:
            options += [f"--{name}", path]
    assert run_script("find_neighbours", tmp_path / "settings.yaml", *options).returncode == 0
    pd.testing.assert_frame_equal(NEIGHBOURS.load(outputs["neighbours"]), neighbours, check_dtype=False, atol=1e-5)


def test_features_belong_to_images_by_their_ids_not_by_their_place(search, tmp_path):
    job, files, neighbours, membership, *_ = search
    rows = read_images(files["images"]).iloc[::-1]
    write_set(tmp_path, rows.to_dict("records"))
    found = search_copies(job, **files | {"features": tmp_path / "features.safetensors"})
    for mine, expected in zip(found, (neighbours, membership), strict=True):
        pd.testing.assert_frame_equal(mine, expected, atol=1e-5)


def test_features_of_another_table_or_evaluator_are_one_sentence(search, tmp_path):
    job, files, *_ = search
    write_rows(tmp_path / "short.safetensors", ["a", "b", "c"], {"held/images": torch.zeros(3, 32)})
    with pytest.raises(CraftError, match=r"short\.safetensors does not hold the image .* \(60 of 60 are missing\)"):
        search_copies(job, **files | {"features": tmp_path / "short.safetensors"})
    with pytest.raises(CraftError, match=r"has no .*other"):
        search_copies(job.model_copy(update={"features": HELD.model_copy(update={"name": "other"})}), **files)
    with pytest.raises(CraftError, match="no image table"):
        search_copies(job, **files | {"generated": [tmp_path / "none.parquet"] * 2})


def test_fewer_files_than_image_sets_are_one_sentence(search):
    job, files, *_ = search
    for option in ("generated", "embeddings"):
        with pytest.raises(CraftError, match=rf"name 2 image sets, but `--{option}` gives 1 files"):
            search_copies(job, **files | {option: files[option][:1]})


def test_features_of_another_width_are_one_sentence(search, tmp_path):
    job, files, *_ = search
    ids = read_images(files["images"])["image_id"].to_list()
    write_rows(tmp_path / "wide.safetensors", ids, {"held/images": torch.rand(len(ids), 48)})
    with pytest.raises(CraftError, match="real images 48"):
        search_copies(job, **files | {"features": tmp_path / "wide.safetensors"})


@pytest.mark.parametrize("file", [NEIGHBOURS, MEMBERSHIP], ids=lambda file: file.name)
def test_missing_and_broken_files_of_a_run_are_one_sentence(tmp_path, file):
    make_results(tmp_path, per_label=2)
    path = tmp_path / "skin" / file.name
    frame = pd.read_parquet(path)
    frame.assign(l2_distance=np.nan).to_parquet(path)
    with pytest.raises(CraftError, match="a distance that is not finite"):
        Results.load(tmp_path).read(file)
    path.unlink()
    with pytest.raises(CraftError, match=rf"no table .*skin/{file.name}"):
        Results.load(tmp_path).read(file)
