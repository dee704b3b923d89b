"""The table of an ablation: variants beside the method as it is, on pairs of images."""

import shutil

import numpy as np
import pandas as pd
import pytest
from fake_results import make_results

from craft.core.files import write_parquet
from craft.core.settings import REAL
from craft.evaluation.ablation.results import FEATURES, files_read
from craft.evaluation.ablation.settings import AblationJob
from craft.evaluation.ablation.table import ABLATION_COLUMNS, ablation_table
from craft.evaluation.comparison.pairs import pair_scores
from craft.evaluation.fidelity.features import encoded_images
from craft.evaluation.fidelity.metrics import label_diversity
from craft.evaluation.results import Results
from craft.evaluation.settings import FeaturesRef
from craft.evaluation.statistics.intervals import label_weights
from craft.evaluation.tables import TABLES

METHODS = ["craft", "craft_same", "craft_other"]
PHRASES = {"craft_same": "nothing", "craft_other": "another thing"}
HELD_OUT = "siglip_regnet"


def copy_method(folder, dataset, seed, variant):
    """Make a variant whose images, scores and features are those of the method as it is."""
    source, target = (folder / dataset / method / f"seed{seed}" for method in ("craft", variant))
    for name in ("images.parquet", FEATURES):
        shutil.copy(source / name, target / name)
    write_parquet(target / "scores.parquet", pd.read_parquet(source / "scores.parquet").assign(method=variant))


def make_run(folder, seeds, **settings):
    """A run of a method, a variant that is the same, and one whose training costs twice as much."""
    run = make_results(folder, methods=METHODS, seeds=seeds, per_label=8)
    for dataset in run.datasets:
        for seed in seeds:
            copy_method(folder, dataset, seed, "craft_same")
            history = pd.read_parquet(folder / dataset / f"craft/seed{seed}/history.parquet")
            for method, times in (("craft_same", 1), ("craft_other", 2)):
                doubled = history.assign(unet_evaluations=times * history["unet_evaluations"])
                write_parquet(folder / dataset / method / f"seed{seed}/history.parquet", doubled)
    changes = {"controls": [REAL], "trainings": {name: [name] for name in METHODS}, "phrases": PHRASES}
    features = FeaturesRef(name=HELD_OUT, role="held_out")
    return Results(folder, AblationJob(**dict(run) | changes | settings, features=features))


@pytest.fixture(scope="module", params=[(0,), (0, 1)], ids=["one seed", "two seeds"])
def results(request, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), request.param)


@pytest.fixture(scope="module")
def table(results):
    found = ablation_table(results)
    assert tuple(found.columns) == ABLATION_COLUMNS
    assert not found.duplicated(["dataset", "method", "evaluator", "metric"]).any()
    return found.set_index(["dataset", "method", "evaluator", "metric"]).sort_index()


def test_every_variant_has_a_row_for_each_judge_and_the_method_as_it_is_no_difference(table, results):
    held_out = table.loc[("skin", slice(None), HELD_OUT), :].reset_index()
    assert set(zip(held_out["method"], held_out["metric"], strict=True)) == {
        (method, metric) for method in METHODS for metric in ("cas", "tail_rate", "diversity")
    }
    own = table.xs("craft", level="method")
    assert own[["difference", "difference_low", "difference_high", "p", "against"]].isna().all(axis=None)
    others = table.drop("craft", level="method")
    assert (others["against"] == "craft").all() and others["difference"].notna().all()
    assert table.xs("craft_other", level="method")["what"].eq("another thing").all()
    assert (table["seeds"] == len(results.run.seeds)).all()


def test_values_are_those_of_the_run_and_differences_those_of_pairs(table, results):
    cas = TABLES["cas"].make(results).query("label == 'all' and metric == 'cas'")
    cas = cas.set_index(["dataset", "method", "evaluator"])["value"]
    paired = pair_scores(results)["skin"]
    keys = [("cas", HELD_OUT, method) for method in ("craft_other", "craft")]
    difference = paired.estimate(paired.combine(np.subtract, *keys))
    row = table.loc[("skin", "craft_other", HELD_OUT, "cas")]
    assert row["value"] == pytest.approx(cas["skin", "craft_other", HELD_OUT])
    found = row[["difference", "difference_low", "difference_high"]].to_list()
    assert found == pytest.approx([difference.value, difference.low, difference.high])
    assert found[1] < found[0] < found[2]


def test_a_variant_with_the_same_images_differs_in_nothing(table):
    same = table.xs("craft_same", level="method")
    assert np.allclose(same[["difference"]], 0)
    assert np.allclose(same.loc[same["p"].notna(), ["difference_low", "difference_high"]].astype(float), 0)
    assert np.allclose(same["p"].dropna(), 1)


def test_diversity_is_that_of_the_features_within_labels(table, results):
    scores = []
    for seed in results.run.seeds:
        folder = results.folder / f"skin/craft_other/seed{seed}"
        images = pd.read_parquet(folder / "images.parquet").sort_values("image_id")
        features = encoded_images(folder / FEATURES, results.run.features, images["image_id"])
        labels = images["label"].to_numpy(str)
        scores += label_diversity(features, labels, label_weights(labels)[None]).tolist()
    assert table.loc[("skin", "craft_other", HELD_OUT, "diversity"), "value"] == pytest.approx(np.mean(scores))


def test_costs_hold_all_trainings_and_the_images(table):
    cost = table.xs("unet_evaluations", level="metric").loc["skin"].droplevel("evaluator")
    assert cost.loc["craft", "value"] == 4000 + 24 * 10
    assert cost.loc["craft_other", "difference"] == 4000 and cost.loc["craft_same", "difference"] == 0


def test_the_mean_over_datasets_is_no_test_of_its_own(table):
    keys = [(name, "craft_other", HELD_OUT, "cas") for name in ("chest", "skin", "all")]
    chest, skin, mean = (table.loc[key] for key in keys)
    assert mean["difference"] == pytest.approx((chest["difference"] + skin["difference"]) / 2)
    assert mean["difference_high"] - mean["difference_low"] < chest["difference_high"] - chest["difference_low"]
    assert np.isnan(mean["p"]) and np.isnan(mean["p_holm"])


def test_only_differences_of_single_datasets_count_as_tests(table):
    tests = table.xs(HELD_OUT, level="evaluator").xs("cas", level="metric").dropna(subset="p")
    assert len(tests) == 4 and tests["p_holm"].notna().all()
    least = tests.sort_values("p").iloc[0]
    assert least["p_holm"] == pytest.approx(min(1, 4 * least["p"]))


def test_one_dataset_has_no_mean(results):
    job = results.run.model_copy(update={"datasets": {"skin": results.run.datasets["skin"]}})
    assert set(ablation_table(Results(results.folder, job))["dataset"]) == {"skin"}


def test_all_files_that_it_reads_are_named(results):
    files = {str(path.relative_to(results.folder)) for path in files_read(results)}
    assert {"skin/real/seed0/scores.parquet", f"skin/craft_other/seed0/{FEATURES}"} <= files
    assert {"chest/craft/seed0/history.parquet", "chest/craft_same/seed0/cost.parquet"} <= files
    assert all((results.folder / file).is_file() for file in files)
