"""The studies on scores and images whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from craft.core.errors import CraftError
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.validity.classifier import follow_classifier, order_methods, pair_with_classifier
from craft.evaluation.validity.graded_damage import DAMAGES, damaged_sets, response_to_damage
from craft.evaluation.validity.label_swap import separate_labels
from craft.evaluation.validity.rows import tabulate_studies
from craft.evaluation.validity.same_images import compare_sets, distance_of_sets, shifts_of_sets
from craft.evaluation.validity.scores import all_scores, named_scores, without
from craft.reward.dimensions import DIMENSIONS

SCORING = ScoringSettings(bootstrap=200)
RNG = np.random.default_rng(0)
LABELS, NAMES = np.arange(60) % 3, ["naevus", "melanoma", "keratosis"]
SHARED = {"evaluator": "a", "role": "reward", "source": "here"}


def find(rows, **keys) -> pd.DataFrame:
    table = tabulate_studies(rows, "skin")
    return table[(table[list(keys)] == pd.Series(keys)).all(axis=1)]


def test_each_dimension_can_be_left_out_of_cas_and_the_gate_too():
    dimensions = RNG.random((5, 4))
    scores, named = all_scores(dimensions), dict(zip(DIMENSIONS, dimensions.T, strict=True))
    assert list(scores) == [*DIMENSIONS, "cas", *map(without, DIMENSIONS)]
    judged = np.mean([named[name] for name in ("alignment", "specificity", "checklist")], axis=0)
    assert np.allclose(scores["cas"], named["plausibility"] * judged)
    assert np.allclose(scores[without("plausibility")], judged)
    others = np.mean([named[name] for name in ("alignment", "specificity")], axis=0)
    assert np.allclose(scores[without("checklist")], named["plausibility"] * others)


@pytest.fixture(scope="module")
def swapped():
    """Scores with three labels: alignment knows the own label, plausibility is constant, the others guess."""
    scores = {name: RNG.random((60, 3)) for name in DIMENSIONS}
    scores["alignment"][:, 0] += 2
    scores["plausibility"][:] = 0.5
    return np.stack(list(scores.values()), axis=-1)


def test_a_dimension_without_information_is_at_chance_and_its_share_is_not_above_zero(swapped):
    rows = list(separate_labels(swapped, LABELS, NAMES, SCORING, "skin", **SHARED))
    aurocs = find(rows, study="label_swap", metric="auroc").set_index("dimension")
    assert aurocs.loc["alignment", "value"] == pytest.approx(1)
    assert aurocs.loc["plausibility", ["value", "low", "high"]].tolist() == pytest.approx([0.5] * 3)
    assert aurocs.loc["checklist", "low"] < 0.5 < aurocs.loc["checklist", "high"]
    shares = find(rows, study="drop_one", metric="auroc_share").set_index("dimension")
    assert shares.loc["alignment", "low"] > 0.2 and shares.loc["plausibility", "high"] == pytest.approx(0)
    without = find(rows, study="drop_one", metric="auroc").set_index("dimension")
    total = aurocs.loc["cas", "value"]
    assert np.allclose(without["value"] + shares["value"], total)


def test_every_claimed_label_has_a_row_of_its_own_and_one_that_is_not_known_is_named(swapped):
    dimensions = swapped.copy()
    # whether an image claims the last label or is of it, alignment says the same
    for shift in range(3):
        dimensions[(LABELS + shift) % 3 == 2, shift, 0] = 0.5
    rows = list(separate_labels(dimensions, LABELS, NAMES, SCORING, "skin", **SHARED))
    single = find(rows, metric="label_auroc", dimension="alignment").set_index("condition")["value"]
    assert single.to_dict() == {"naevus": 1.0, "melanoma": 1.0, "keratosis": 0.5}
    (mean,) = find(rows, metric="auroc", dimension="alignment", study="label_swap")["value"]
    assert mean == pytest.approx(2.5 / 3)
    absent = list(separate_labels(dimensions, LABELS % 2, NAMES, SCORING, "skin", **SHARED))
    assert set(find(absent, metric="label_auroc")["condition"]) == {"naevus", "melanoma"}


def test_sets_of_the_same_images_differ_by_the_share_of_other_labels(swapped):
    sets = shifts_of_sets(LABELS, 3, "skin")
    assert {name: (shifts != 0).mean() for name, shifts in sets.items()} == {
        "own_labels": 0.0,
        "half_swapped": 0.5,
        "all_swapped": 1.0,
    }
    assert all(shifts.max() <= 2 for shifts in sets.values())
    rows = find(compare_sets(named_scores(swapped), sets, LABELS, SCORING, "skin", **SHARED), dimension="alignment")
    own, half, other = rows["value"]
    assert own > half > other and half == pytest.approx((own + other) / 2, abs=0.1)


def test_the_distance_between_images_is_the_same_whatever_their_labels():
    rng = np.random.default_rng(0)
    images, others = rng.normal(size=(80, 6)), rng.normal(size=(120, 6))
    own, other_labels = np.zeros(80), np.arange(120) % 2
    others = (others, other_labels)
    near = find(distance_of_sets((images, own), others, SCORING, "skin", **SHARED), metric="fid")
    assert list(near["condition"]) == ["own_labels", "half_swapped", "all_swapped"] and near["value"].nunique() == 1
    assert (near["low"] <= near["value"]).all() and (near["value"] <= near["high"]).all()
    far = find(distance_of_sets((images + 1, own), others, SCORING, "skin", **SHARED), metric="fid")
    assert far["low"].iloc[0] > near["high"].iloc[0]


def test_damage_grows_with_its_grade_and_repeats_itself():
    images, labels = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0)), np.arange(8) % 2
    sets = list(damaged_sets(images, labels, "skin"))
    assert all(torch.equal(a[2], b[2]) for a, b in zip(sets, damaged_sets(images, labels, "skin"), strict=True))
    for kind, (_, levels) in DAMAGES.items():
        found = [(level, damaged) for name, level, damaged in sets if name == kind]
        assert [level for level, _ in found] == list(levels[1:])
        assert all(damaged.shape == images.shape and 0 <= damaged.min() <= damaged.max() <= 1 for _, damaged in found)
        distances = [(damaged - images).abs().mean().item() for _, damaged in found]
        assert distances[0] > 0
        assert kind == "shuffled_patches" or distances == sorted(distances)
    replaced = next(damaged for kind, level, damaged in sets if kind == "other_label" and level == 1)
    for image, label in zip(replaced, labels, strict=True):
        partner = next(index for index in range(8) if torch.equal(images[index], image))
        assert labels[partner] != label


def test_a_score_that_falls_at_every_grade_has_a_response_of_minus_one():
    keys = [(kind, level) for kind, (_, levels) in DAMAGES.items() for level in levels]
    scores = {(kind, level): {"cas": np.full(10, 0.9 - 0.1 * (n % 5))} for n, (kind, level) in enumerate(keys)}
    rows = list(response_to_damage(scores, np.arange(10) % 3, SCORING, "skin", **SHARED))
    assert np.allclose(find(rows, metric="spearman")[["value", "low", "high"]], -1)
    assert find(rows, condition="blur", metric="mean")["value"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])


def draw_table(methods=("real", "lora", "craft"), count=50) -> pd.DataFrame:
    """Scores of two evaluators: `a` follows the classifier of phantoms, `b` guesses."""
    frames = []
    for place, method in enumerate(methods):
        chances = np.clip(RNG.random(count) * 0.5 + 0.2 * place, 0, 1)
        shared = {"image_id": [f"{method}{n}" for n in range(count)], "method": method, "seed": 0, "dataset": "skin"}
        shared["label"] = [NAMES[n % 3] for n in range(count)]
        for name, role in (("a", "reward"), ("b", "held_out"), (PHANTOM_CLASSIFIER, PHANTOM_CLASSIFIER)):
            values = chances if name != "b" else RNG.random(count)
            columns = dict.fromkeys(DIMENSIONS, np.nan if name == PHANTOM_CLASSIFIER else values)
            frames.append(pd.DataFrame(shared | {"evaluator": name, "role": role, "cas": values} | columns))
    return pd.concat(frames, ignore_index=True)


def test_an_evaluator_that_follows_the_classifier_correlates_with_it_and_orders_the_methods():
    table = draw_table()
    for name, value in (("a", 1.0), ("b", 0.0)):
        judged = pair_with_classifier(table, name)
        rows = list(follow_classifier(judged, SCORING, "skin", **SHARED))
        found = find(rows, study="classifier", dimension="cas")
        assert found["condition"].tolist() == ["real", "generated", "all"]
        assert found["value"].to_numpy() == pytest.approx(value, abs=0.35)
        assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()
        assert found.set_index("condition")["n"].to_dict() == {"real": 50, "generated": 50, "all": 100}
        without_one = find(rows, study="drop_one", dimension="checklist", condition="all").set_index("metric")["value"]
        assert without_one["spearman"] + without_one["spearman_share"] == pytest.approx(found["value"].iloc[-1])
    order = find(order_methods(pair_with_classifier(table, "a"), SCORING, "skin", **SHARED), dimension="cas")
    assert order["value"].item() == 1.0 and order["condition"].item() == "methods"


def test_methods_that_start_from_the_same_noise_are_resampled_together():
    judged = pair_with_classifier(draw_table(), "a")
    lora, craft = (judged.units[judged.methods == name] for name in ("lora", "craft"))
    assert (lora == craft).all() and not set(lora) & set(judged.units[judged.methods == "real"])


def test_images_of_another_program_are_resampled_on_their_own():
    table = draw_table()
    alone = table[table["method"] != "craft"]
    given = table[table["method"] == "craft"].iloc[::-1]
    mixed = pd.concat([alone, given.sort_values("evaluator", kind="stable")], ignore_index=True)
    judged = pair_with_classifier(mixed, "a", ["craft"])
    units = {name: set(judged.units[judged.methods == name]) for name in ("real", "lora", "craft")}
    assert sum(map(len, units.values())) == 150 == len(set.union(*units.values()))
    assert (judged.unit_labels[judged.units] == judged.labels).all()


def test_a_classifier_of_other_images_is_refused():
    table = draw_table()
    with pytest.raises(CraftError, match="did not score the same images of 'skin'"):
        pair_with_classifier(table.drop(index=table.index[-1]), "a")
