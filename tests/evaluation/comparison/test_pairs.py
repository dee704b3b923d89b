"""Pairs of images: what makes them, what breaks them, and what they gain."""

import numpy as np
import pandas as pd
import pytest
from fake_results import METHODS, make_results

from craft.core.errors import CraftError
from craft.evaluation.comparison.pairs import pair_datasets
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES
from craft.evaluation.scoring.tail_table import tail_table
from craft.evaluation.statistics.intervals import bootstrap_means

CAS = ("cas", "siglip_regnet")


def test_every_image_number_of_a_seed_is_one_row(scores, pairs):
    (part,) = pairs["skin"].parts
    images = part.images
    assert len(images) == 2 * 3 * 24 and images.index.names == ["seed", "image_id"]
    own = scores.query("dataset == 'skin' and method == 'craft' and seed == 1 and evaluator == 'siglip_regnet'")
    row = own[own["image_id"] == "000007"]
    assert images.loc[(1, "000007"), (*CAS, "craft")] == row["cas"].item()
    assert pairs["skin"].methods == METHODS and pairs["skin"].roles["siglip_regnet"] == "held_out"


def test_values_are_those_of_the_other_tables(scores, pairs, fake_run):
    table = tail_table(scores, fake_run[1]).query("dataset == 'chest' and label == 'all' and evaluator == 'clip_bit'")
    for metric in ("tail_rate", "tail_rate@0.05", "tail_rate@0.01"):
        for method in METHODS:
            value = table.query("metric == @metric and method == @method")["value"].item()
            assert pairs["chest"].values[metric, "clip_bit", method] == pytest.approx(value)


def test_resamples_of_a_mean_and_a_rate_lie_around_their_values(pairs):
    paired = pairs["skin"]
    (part,) = paired.parts
    resamples = pd.DataFrame(part.sampled.spread, columns=part.images.columns)
    spread = resamples.std()
    assert ((resamples.mean() - paired.values).abs() < 2 * spread + 1e-9).all()
    assert spread["tail_rate", "clip_bit", "lora"] > spread["cas", "clip_bit", "lora"] > 0


def test_pairing_narrows_the_interval_of_correlated_methods(scores, fake_run):
    alike = scores[scores["dataset"] == "skin"].copy()
    own = alike["method"] == "craft"
    alike.loc[own, "cas"] = (alike.loc[alike["method"] == "lora", "cas"].to_numpy() + 0.01).clip(0, 1)
    paired = pair_datasets(alike, fake_run[1])["skin"]
    difference = paired.estimate(paired.combine(np.subtract, (*CAS, "craft"), (*CAS, "lora")))
    groups = [rows[[(*CAS, "craft")]].to_numpy() for _, rows in paired.parts[0].images.groupby("seed")]
    (alone,) = bootstrap_means(groups, 500, 0.95, "alone")
    assert difference.high - difference.low < 0.1 * (alone.high - alone.low)


def drop_image(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~((frame["method"] == "lora") & (frame["image_id"] == "000003") & (frame["seed"] == 1))]


def blank_score(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[(frame["method"] == "lora") & (frame["image_id"] == "000003"), "cas"] = np.nan
    return frame


def swap_label(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[(frame["method"] == "lora") & (frame["image_id"] == "000003"), "label"] = "melanoma"
    return frame


def repeat_image(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame[(frame["method"] == "lora") & (frame["image_id"] == "000003")]])


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (drop_image, "skin/lora/.*image 000003 of seed 1 has no score under evaluator"),
        (blank_score, "skin/lora/.*image 000003 of seed 0 has no score"),
        (swap_label, "image 000003 of seed 0 has different labels"),
        (repeat_image, "skin/lora/.*image 000003 of seed 0 occurs twice"),
        (lambda frame: frame[frame["method"] != "real"], "has no row of evaluator 'clip_resnet'"),
        (lambda frame: frame[(frame["image_id"] == "000003") | (frame["method"] == "real")], "needs at least 2"),
    ],
)
def test_what_cannot_be_paired_is_one_sentence(scores, fake_run, spoil, finding):
    broken = spoil(scores[scores["dataset"] == "skin"].copy())
    with pytest.raises(CraftError, match=finding) as error:
        pair_datasets(broken, fake_run[1])
    assert "\n" not in str(error.value)


def test_a_run_without_a_classifier_of_phantoms_has_pairs(tmp_path):
    run = make_results(tmp_path, per_label=4, classifier=False)
    paired = pair_datasets(Results(tmp_path, run).read(SCORES), run)["chest"]
    metrics = paired.parts[0].images.columns.unique("metric")
    assert PHANTOM_CLASSIFIER not in paired.roles and "label_agreement" not in metrics
