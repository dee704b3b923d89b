"""Fidelity metrics on sets whose answer is known."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from craft.core.errors import CraftError
from craft.evaluation.fidelity.metrics import (
    METRICS,
    NEIGHBOURHOODS,
    WITHIN_LABELS,
    RealFeatures,
    coverage_within_labels,
    label_diversity,
    label_pair_mean,
    mean_over_pairs,
    neighbour_radii,
    neighbourhoods,
    polynomial_kernel,
    vendi_score,
)
from craft.evaluation.statistics.frechet import (
    Moments,
    factored_distance,
    frechet_distance,
    scale_embeddings,
    shift_resamples,
)
from craft.evaluation.statistics.resampling import resample_counts

RNG = np.random.default_rng(0)


def whole(features: np.ndarray) -> np.ndarray:
    return np.ones((1, len(features)))


def resampled(features: np.ndarray, resamples: int) -> np.ndarray:
    return resample_counts(np.zeros(len(features)), resamples, RNG)


def moments(features: np.ndarray) -> Moments:
    return Moments.of(features, whole(features))


def compare(real: np.ndarray, generated: np.ndarray, resamples: int = 50, labels=None, own=None) -> dict:
    """All metrics; `labels` are those of the real images, `own` those of the generated ones, one for all if None."""
    rngs = (np.random.default_rng(seed) for seed in (1, 2))
    labels, own = (np.zeros(len(x), int) if y is None else y for x, y in ((real, labels), (generated, own)))
    return RealFeatures(real, labels, 5, resamples, next(rngs), "the test images").compare(
        generated, own, next(rngs), "craft"
    )


def test_frechet_distance_of_gaussians_has_its_closed_form():
    shift, scales = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 1.0])
    first, second = (RNG.normal(size=(60_000, 3)) for _ in range(2))
    expected = (shift**2).sum() + ((scales - 1) ** 2).sum()
    assert frechet_distance(moments(first), moments(second * scales + shift))[0] == pytest.approx(expected, rel=0.02)


def test_frechet_distance_is_that_of_the_matrix_root():
    mix = RNG.normal(size=(4, 4))
    first, second = RNG.normal(size=(50, 4)) @ mix, RNG.normal(1.0, 2.0, size=(40, 4))
    one, two = (np.cov(features, rowvar=False) for features in (first, second))
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)
    assert frechet_distance(moments(first), moments(second))[0] == pytest.approx(expected)


def test_frechet_distance_of_a_set_to_itself_is_zero_even_with_fewer_images_than_columns():
    features = RNG.normal(size=(10, 30))
    assert frechet_distance(moments(features), moments(features))[0] == pytest.approx(0, abs=1e-6)


def test_frechet_distance_of_wide_features_is_the_same_without_their_covariances():
    first, second = RNG.normal(3.0, 1.0, size=(40, 64)), RNG.normal(3.2, 2.0, size=(30, 64))
    counts = [np.vstack([whole(each), resampled(each, 3)]) for each in (first, second)]
    found = factored_distance(first, counts[0], second, counts[1])
    for row, value in enumerate(found):
        weighed = [(x, count[row]) for x, count in zip((first, second), counts, strict=True)]
        one, two = (np.average(x, weights=count, axis=0) for x, count in weighed)
        c1, c2 = (np.cov(x, rowvar=False, aweights=count) for x, count in weighed)
        # the root of a rounding error would be larger than the error that is allowed
        values = np.linalg.eigvals(c1 @ c2).real
        root = np.sqrt(values[values > 1e-9 * values.max()]).sum()
        expected = ((one - two) ** 2).sum() + np.trace(c1 + c2) - 2 * root
        assert value == pytest.approx(expected, rel=1e-8)
    narrow = [features[:, :5] for features in (first, second)]
    dense = frechet_distance(*(Moments.of(x, count) for x, count in zip(narrow, counts, strict=True)))
    assert factored_distance(narrow[0], counts[0], narrow[1], counts[1]) == pytest.approx(dense, rel=1e-8)


def test_a_set_without_variety_is_far_and_covers_little_on_wide_features():
    real, blank = RNG.normal(size=(60, 100)), np.tile(RNG.normal(size=100), (60, 1))
    found = compare(real, blank)
    assert found["recall"][0] == 0 and found["coverage"][0] < 0.2 and found["vendi"][0] == pytest.approx(1)
    own = compare(real, real + RNG.normal(0, 1e-3, size=real.shape))
    assert own["fid"][0] < 0.01 * found["fid"][0] and own["recall"][0] == 1


def test_a_point_for_each_label_covers_nothing_though_labels_are_far_apart():
    centres = np.array([[0.0, 0], [100, 0], [0, 100]])
    labels, own = np.repeat([0, 1, 2], [60, 30, 20]), np.repeat([0, 1, 2], 3)
    real, points = centres[labels] + RNG.normal(size=(110, 2)), centres[own]
    counts, weights = (np.vstack([whole(each), resampled(each, 4)]) for each in (real, points))
    within = coverage_within_labels((real, labels, counts), (points, own, weights), 5)
    assert tuple(within) == NEIGHBOURHOODS and (within["recall"] == 0).all()
    pooled = coverage_within_labels((real, 0 * labels, counts), (points, 0 * own, weights), 5)
    assert pooled["recall"] == pytest.approx(1)


def test_an_image_that_looks_like_another_label_is_not_precise():
    labels = np.repeat([0, 1], 20)
    real = 100 * labels[:, None] + RNG.normal(size=(40, 2))
    found = coverage_within_labels((real, labels, whole(real)), (real, 1 - labels, whole(real)), 5)
    assert all((found[key] == 0).all() for key in NEIGHBOURHOODS)


def test_labels_weigh_the_same_in_coverage():
    labels = np.repeat([0, 1], [40, 10])
    real = np.where(labels == 0, 0, 100)[:, None] + RNG.normal(size=(50, 2))
    generated = np.where((labels == 0)[:, None], 50, real)
    found = coverage_within_labels((real, labels, whole(real)), (generated, labels, whole(generated)), 5)
    assert found["recall"][0] == found["coverage"][0] == found["precision"][0] == 0.5


def test_a_label_of_one_image_is_left_out_of_coverage():
    labels = np.array([0] * 20 + [1])
    real = RNG.normal(size=(21, 2))
    found = coverage_within_labels((real, labels, whole(real)), (real, labels, whole(real)), 5)
    assert found["recall"][0] == 1
    alone = coverage_within_labels((real, labels, whole(real)), (real, 5 + labels, whole(real)), 5)
    assert alone["recall"][0] == 0


def test_moments_under_counts_are_the_mean_and_half_the_squared_differences_of_two_different_images():
    features, counts = RNG.normal(size=(5, 3)), np.array([[2.0, 0, 1, 0.5, 1.5], [1, 1, 1, 1, 1]])
    found = Moments.of(features, counts)
    assert found.mean[0] == pytest.approx(np.average(features, weights=counts[0], axis=0))
    assert found.covariance[1] == pytest.approx(np.cov(features, rowvar=False))
    apart, pairs = features[:, None] - features, counts[0][:, None] * counts[0] * (1 - np.eye(5))
    assert found.covariance[0] == pytest.approx(np.einsum("ij,ija,ijb->ab", pairs, apart, apart) / (2 * pairs.sum()))


def test_kid_is_the_unbiased_estimate_by_its_definition():
    real, generated = RNG.normal(size=(12, 4)), RNG.normal(0.5, 1, size=(10, 4))
    kernels = [polynomial_kernel(*two) for two in ((real, real), (generated, generated), (real, generated))]
    means = [(matrix.sum() - np.trace(matrix)) / (len(matrix) * (len(matrix) - 1)) for matrix in kernels[:2]]
    assert compare(real, generated)["kid"][0] == pytest.approx(sum(means) - 2 * kernels[2].mean())


def test_pairs_of_copies_do_not_count():
    matrix, counts = np.array([[9.0, 1, 2], [1, 9, 3], [2, 3, 9]]), np.array([[1, 1, 1], [2, 1, 0]])
    total = ((counts @ matrix) * counts).sum(axis=1) - counts**2 @ np.diag(matrix)
    assert mean_over_pairs(total, counts) == pytest.approx([2, 1])
    assert np.isnan(mean_over_pairs(np.array([1.0]), np.array([[1.1, 0, 0]]) * 3)[0])


def test_every_two_labels_weigh_what_they_count_whatever_their_number_of_images():
    labels, features = np.array([0, 0, 0, 1, 1, 2]), RNG.normal(size=(6, 4))
    matrix = polynomial_kernel(features, features)
    counts = np.array([[1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2, 1], [1 / 3, 0, 2 / 3, 1, 0, 1]])
    first, second, across = matrix[:3, :3], matrix[3:5, 3:5], matrix[:3, 3:5].mean()
    same = [(first.sum() - np.trace(first)) / 6, second[0, 1]]
    others = 2 * (across + matrix[:3, 5].mean() + matrix[3:5, 5].mean())
    found = label_pair_mean(features, labels, counts)
    assert found[0] == pytest.approx((sum(same) + others) / 8), "a label of one image has no pair with itself"
    drawn = 2 * (matrix[[0, 2, 2], 3].mean() + matrix[[0, 2, 2], 5].mean() + matrix[3, 5])
    assert found[1] == pytest.approx((first[0, 2] + same[1] + drawn) / 8), "all pairs stand in for those not drawn"


def test_kid_and_fid_of_one_distribution_in_another_mix_of_labels_is_zero_when_labels_weigh_alike():
    """200 tables: KID's interval covers zero at its rate; under natural prevalence both see the other mix."""
    rng, covered, values, natural = np.random.default_rng(3), [], [], []
    centres = rng.normal(0, 1.5, size=(4, 4))
    for _ in range(200):
        labels, own = (np.repeat(range(4), sizes) for sizes in ((60, 20, 8, 4), (20, 20, 20, 20)))
        real, generated = (centres[each] + rng.normal(size=(len(each), 4)) for each in (labels, own))
        kid = compare(real, generated, 60, labels, own)["kid"]
        low, high = np.quantile(kid[2:], [0.025, 0.975])
        covered.append(low <= 0 <= high)
        values.append(kid[0])
        natural.append(kid[1])
    assert np.mean(covered) >= 0.92
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert np.mean(natural) > 10 * np.std(natural) / np.sqrt(200)
    same = compare(real, real, 5, labels, labels)
    assert same["fid"][:2] == pytest.approx([0, 0], abs=1e-6)
    doubled, twice = np.vstack([real, real[labels > 1]]), np.append(labels, labels[labels > 1])
    found = compare(real, doubled, 5, labels, twice)
    assert found["fid"][0] < 0.01 < found["fid"][1]


def test_the_same_set_has_full_precision_recall_and_coverage():
    found = compare(features := RNG.normal(size=(80, 3)), features)
    assert all(found[key][0] == 1 for key in ("precision", "recall", "coverage"))
    assert found["density"][0] == pytest.approx(1, abs=0.25) and found["fid"][0] == pytest.approx(0, abs=1e-6)


def test_a_distant_set_has_none():
    found = compare(RNG.normal(size=(80, 3)), RNG.normal(50, 1, size=(60, 3)))
    assert all(found[key][0] == 0 for key in ("precision", "density", "recall", "coverage"))
    assert found["fid"][0] > 1000


def test_a_collapsed_set_has_precision_without_recall():
    real = RNG.normal(size=(200, 2))
    # all images are the one that lies in the most neighbourhoods of real images
    mode = real[(cdist(real, real) < neighbour_radii(real, 5)[:, None]).sum(axis=0).argmax()]
    found = compare(real, mode + RNG.normal(0, 0.01, size=(200, 2)))
    assert found["precision"][0] == 1 and found["recall"][0] < 0.05 and found["coverage"][0] < 0.2
    assert found["density"][0] > 1


def test_neighbourhoods_on_a_line_are_those_counted_by_hand():
    real, generated = np.array([[0.0], [1], [10]]), np.array([[0.5], [9.5], [30]])
    radii, own = neighbour_radii(real, 1), neighbour_radii(generated, 1)
    assert radii == pytest.approx([1, 1, 9]) and own == pytest.approx([9, 9, 20.5])
    found = neighbourhoods(real, generated, radii, own, 1)
    assert found["precision"].tolist() == [1, 1, 0] and found["density"].tolist() == [2, 1, 0]
    assert found["recall"].tolist() == [1, 1, 1] and found["coverage"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("width", [3, 8])
def test_vendi_score_counts_different_images(width):
    different = np.eye(width)[:3]
    assert vendi_score(different, whole(different))[0] == pytest.approx(3)
    alike = np.tile(different[:1], (5, 1))
    assert vendi_score(alike, whole(alike))[0] == pytest.approx(1)
    pairs = np.repeat(different, 2, axis=0) * 7
    assert vendi_score(pairs, whole(pairs))[0] == pytest.approx(3)
    assert vendi_score(different, np.array([[3, 0, 0], [1, 1, 1]])) == pytest.approx([1, 3])


def test_diversity_is_the_mean_of_the_labels_own_distances():
    features = np.array([[1.0, 0], [0, 1], [1, 0], [2, 0]])
    assert label_diversity(features, np.array(["a", "a", "b", "b"]), whole(features))[0] == pytest.approx(0.5)
    alone = label_diversity(features, np.array(["a", "a", "b", "c"]), whole(features))
    assert alone[0] == pytest.approx(1), "a label of one image has no distance"


def test_resamples_lie_around_the_value_and_are_as_many_as_asked():
    found = compare(RNG.normal(size=(150, 4)), RNG.normal(0.3, 1, size=(120, 4)), resamples=80)
    assert set(found) == set(METRICS) and all(values.shape == (82,) for values in found.values())
    for key, values in found.items():
        assert values[2:].min() < values[0] < values[2:].max()
        # all images are of one label
        assert values[1] == pytest.approx(values[0]) if key not in WITHIN_LABELS else np.isnan(values[1])


def test_blocks_of_resamples_change_nothing(monkeypatch):
    real, generated = RNG.normal(size=(30, 4)), RNG.normal(size=(20, 4))
    whole_found = compare(real, generated, resamples=9)
    monkeypatch.setattr("craft.evaluation.statistics.frechet.BLOCK", 3 * 4**2)
    found = compare(real, generated, resamples=9)
    assert all(found[key] == pytest.approx(whole_found[key], nan_ok=True) for key in METRICS)


def test_shifted_resamples_have_the_value_as_their_mean_and_are_not_negative():
    assert shift_resamples(np.array([1.0, 9, 3, 5])).tolist() == [1, 9, 0, 2]
    assert shift_resamples(np.array([0.5, 9, 3, 5])).tolist() == [0.5, 9, 0, 1.5]
    assert shift_resamples(np.array([0.5, 9])).tolist() == [0.5, 9]


def test_embeddings_are_scaled_to_a_mean_square_of_one():
    embeddings = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    assert (scale_embeddings(embeddings) ** 2).mean(axis=1) == pytest.approx(np.ones(6))


def test_the_interval_of_a_frechet_distance_covers_the_spread_of_fresh_samples():
    rng = np.random.default_rng(5)
    pairs = [(rng.normal(size=(150, 3)), rng.normal(0.5, 1, size=(150, 3))) for _ in range(60)]
    fresh = [frechet_distance(*map(moments, pair))[0] for pair in pairs]
    found = compare(rng.normal(size=(150, 3)), rng.normal(0.5, 1, size=(150, 3)), resamples=200)["fid"]
    assert found[2:].std() == pytest.approx(np.std(fresh), rel=0.5)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda rows: rows[:, :3], "the features of craft have 3 columns, those of the test images 4"),
        (lambda rows: rows[:5], "craft has 5 images, but a neighbourhood of 5 needs at least 6"),
        (lambda rows: np.where(np.arange(20)[:, None] == 7, np.nan, rows), "image number 7 of craft is not finite"),
    ],
)
def test_bad_features_are_one_sentence(spoil, finding):
    rows = RNG.normal(size=(20, 4))
    with pytest.raises(CraftError, match=finding) as error:
        compare(rows, spoil(rows))
    assert "\n" not in str(error.value)


def test_too_few_real_images_are_one_sentence():
    with pytest.raises(CraftError, match=r"the test images has 4 images.*fidelity\.neighbours"):
        compare(RNG.normal(size=(4, 2)), RNG.normal(size=(9, 2)))
