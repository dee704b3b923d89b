"""Images of other programs have no pairs: they are drawn on their own, and compared as independent samples."""

import numpy as np
import pytest
from fake_results import LABELS, make_results
from scipy.stats import mannwhitneyu, spearmanr

from craft.evaluation.comparison.agreement_table import agreement_table
from craft.evaluation.comparison.difference_table import comparison_table
from craft.evaluation.comparison.pairs import pair_datasets
from craft.evaluation.comparison.reduction_table import reduction_table
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.statistics.significance import rank_biserial_unpaired

METHODS = ["foundation", "gan", "craft"]
CAS = ("cas", "siglip_regnet")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Scores and run of three methods; the images of `gan` are twice as many, their labels in another order."""
    folder = tmp_path_factory.mktemp("given")
    run = make_results(folder, methods=METHODS, seeds=(0,), given=("gan",))
    return Results(folder, run).read(SCORES), run


@pytest.fixture(scope="module")
def pairs(run):
    return pair_datasets(*run)


def test_images_of_another_program_need_no_pair(pairs):
    paired = pairs["skin"]
    assert [part.methods for part in paired.parts] == [["craft", "foundation"], ["gan"]]
    assert [len(part.images) for part in paired.parts] == [3 * 24, 2 * 3 * 24]
    assert paired.pair("craft", "foundation") and not paired.pair("craft", "gan")


def test_a_difference_is_that_of_independent_means(run, pairs):
    scores, settings = run
    table = comparison_table(pairs, settings).query("evaluator == 'siglip_regnet' and dataset == 'skin'")
    rows = table.query("metric == 'cas'").set_index("against")
    known = scores.query("evaluator == 'siglip_regnet' and dataset == 'skin'")
    own, other = (known[known["method"] == name]["cas"].to_numpy(float) for name in ("craft", "gan"))
    found = rows.loc["gan"]
    assert found["value"] == pytest.approx(own.mean() - other.mean())
    assert not found["paired"] and np.isnan(found["cohen_dz"]) and found["n"] == len(own) + len(other)
    assert found["rank_biserial"] == pytest.approx(rank_biserial_unpaired(own, other))
    assert rows.loc["foundation", "paired"] and rows.loc["foundation", "n"] == len(own)


def test_equal_scores_have_a_narrow_interval_only_where_they_are_pairs(run):
    scores, settings = run
    alike = scores[scores["dataset"] == "skin"].copy()
    own = alike.query("method == 'craft'")["cas"].to_numpy()
    alike.loc[alike["method"] == "foundation", "cas"] = own
    twice = alike["method"] == "gan"
    order = alike[alike["method"] == "craft"].groupby("evaluator", sort=False)["cas"]
    alike.loc[twice, "cas"] = np.concatenate([np.repeat(values.to_numpy(), 2) for _, values in order])
    paired = pair_datasets(alike, settings)["skin"]
    widths = {}
    for against in ("foundation", "gan"):
        number = paired.estimate(paired.combine(np.subtract, (*CAS, "craft"), (*CAS, against)))
        widths[against] = number.high - number.low
    assert widths["foundation"] == pytest.approx(0, abs=1e-9) and widths["gan"] > 0.02


def test_the_variance_of_a_difference_is_the_sum_of_both(pairs):
    paired = pairs["skin"]
    own, other = (paired.combine(lambda mean: mean, (*CAS, name)) for name in ("craft", "gan"))
    both = paired.combine(np.subtract, (*CAS, "craft"), (*CAS, "gan"))
    variances = [each.resamples[0].var() for each in (own, other, both)]
    assert variances[2] == pytest.approx(variances[0] + variances[1], rel=0.25)


def test_other_methods_are_compared_as_if_no_images_were_given(run, pairs):
    scores, settings = run
    without = settings.model_copy(update={"methods": ["foundation", "craft"], "given": []})
    alone = comparison_table(pair_datasets(scores[scores["method"] != "gan"], without), without)
    beside = comparison_table(pairs, settings).query("against != 'gan'").reset_index(drop=True)
    compared = ["dataset", "evaluator", "metric", "value", "low", "high", "p", "cohen_dz", "rank_biserial"]
    assert beside[compared].equals(alone[compared])


def test_a_tail_is_held_against_that_of_another_program_too(run, pairs):
    scores, settings = run
    best = scores.copy()
    best.loc[best["method"] == "gan", "cas"] = 0.999
    rows = reduction_table(pair_datasets(best, settings), settings).query("metric == 'reduction_points'")
    assert set(rows.query("dataset != 'all'")["against"]) == {"gan"}
    assert (rows["low"] <= rows["value"]).all() and (rows["value"] <= rows["high"]).all()


def test_evaluators_agree_over_the_images_of_all_methods(run, pairs):
    scores, settings = run
    table = agreement_table(pairs, settings)
    table = table.query("dataset == 'skin' and evaluator == 'clip_resnet' and against == 'siglip_regnet'")
    found = table.set_index("metric")
    known = scores.query("dataset == 'skin' and method in @METHODS")
    wide = known.pivot(index=["method", "image_id"], columns="evaluator", values="cas").astype(float)
    assert found.loc["spearman", "value"] == pytest.approx(
        spearmanr(wide["clip_resnet"], wide["siglip_regnet"]).statistic
    )
    assert found.loc["spearman", "n"] == len(wide) and found.loc["kendall_tau", "n"] == 3


def test_without_a_reward_method_images_of_other_programs_are_what_is_compared(tmp_path):
    run = make_results(tmp_path, methods=["gan", "colleague"], seeds=(0,), per_label=4, given=("gan", "colleague"))
    table = comparison_table(pair_datasets(Results(tmp_path, run).read(SCORES), run), run)
    assert set(zip(table["method"], table["against"], strict=True)) == {("colleague", "gan")}
    assert not table["paired"].any() and set(table["dataset"]) == set(LABELS)


def test_rank_biserial_of_independent_samples_is_that_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.5, 1, 30).round(1), rng.normal(0, 1, 50).round(1)
    u = mannwhitneyu(first, second).statistic
    assert rank_biserial_unpaired(first, second) == pytest.approx(2 * u / (30 * 50) - 1)
    assert rank_biserial_unpaired(second, first) == pytest.approx(1 - 2 * u / (30 * 50))
    assert rank_biserial_unpaired(first + 10, second) == 1.0
