"""CAS: range, gradients, and what each dimension asks."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from craft.core.errors import CraftError
from craft.reward.cas import ClinicalAlignment, Logistic, RawScores
from craft.reward.combination import combine
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts

WIDTH, VISUAL, LABELS = 12, 7, 3


def unit(*shape: int, seed: int, dtype=torch.float32) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype), dim=-1)


def see(count: int, seed: int, scale: float = 1.0, dtype=torch.float32) -> ImageFeatures:
    """What a judge might see in some images."""
    visual = torch.rand(count, VISUAL, generator=torch.Generator().manual_seed(seed + 1)).to(dtype)
    return ImageFeatures(unit(count, WIDTH, seed=seed, dtype=dtype) * scale, visual * scale)


def make_cas(dtype=torch.float32, neighbours: int = 3) -> ClinicalAlignment:
    texts = [
        LabelTexts(
            unit(4, WIDTH, seed=10 + label, dtype=dtype),
            unit(2, WIDTH, seed=20 + label, dtype=dtype),
            unit(2, WIDTH, seed=30 + label, dtype=dtype),
            torch.tensor([1.0, 3.0], dtype=dtype),
        )
        for label in range(LABELS)
    ]
    references = [see(6, 40 + label, dtype=dtype).visual for label in range(LABELS)]
    raw = RawScores(Evidence(texts, references, scale=10.0, neighbours=neighbours))
    maps = {name: Logistic(2.0 + index, (0.1 * index, 0.0, -0.2), 0.9, 10) for index, name in enumerate(DIMENSIONS)}
    return ClinicalAlignment(raw, maps).to(dtype)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 1.0))
def test_cas_and_its_dimensions_lie_in_the_unit_interval(seed, scale):
    cas = make_cas()
    features, labels = see(5, seed, scale), torch.tensor([0, 1, 2, 1, 0])
    dimensions = cas(features, labels)
    assert dimensions.shape == (5, len(DIMENSIONS))
    assert ((dimensions >= 0) & (dimensions <= 1)).all()
    assert torch.equal(cas.cas(features, labels), combine(dimensions))
    assert ((cas.cas(features, labels) >= 0) & (cas.cas(features, labels) <= 1)).all()


def test_gradient_of_cas_equals_finite_differences():
    cas = make_cas(torch.float64)
    features, labels = see(4, 1, dtype=torch.float64), torch.tensor([0, 1, 2, 1])
    inputs = (features.aligned.requires_grad_(True), features.visual.requires_grad_(True))

    def score(aligned, visual):
        return cas.cas(ImageFeatures(aligned, visual), labels)

    assert torch.autograd.gradcheck(score, inputs, eps=1e-6, atol=1e-7)
    gradients = torch.autograd.grad(score(*inputs).sum(), inputs)
    assert all((each.norm(dim=1) > 0).all() for each in gradients)


def test_the_gradient_is_summed_over_the_dimensions_before_the_product_with_the_texts():
    raw, labels = make_cas().raw, torch.arange(200) % LABELS
    features = see(200, 8)
    features.aligned.requires_grad_(True)
    names = ("alignment", "specificity")
    scores = dict(zip(raw.names, raw(features, labels).T, strict=True))
    found = torch.autograd.grad(sum(scores[name].sum() for name in names), features.aligned)[0]
    with raw.evidence.shared():
        similarity = raw.evidence.similarity(features, raw.evidence.description)
        shared = sum(raw.dimension(name)(features, labels).sum() for name in names)
        towards = torch.autograd.grad(shared, similarity)[0]
    assert torch.equal(found, towards @ raw.evidence.description)


def test_half_precision_gives_nearly_the_same_cas():
    cas, features, labels = make_cas(), see(5, 1), torch.tensor([0, 1, 2, 1, 0])
    with torch.autocast("cpu", torch.bfloat16):
        near = cas.cas(features, labels)
    assert torch.allclose(near.float(), cas.cas(features, labels), atol=0.03)


def test_scores_follow_embeddings_that_are_changed_in_place():
    raw, features, labels = make_cas().raw, see(5, 1), torch.tensor([0, 1, 2, 1, 0])
    before = raw(features, labels)
    features.aligned.neg_()
    assert torch.allclose(raw(features, labels)[:, 0], -before[:, 0])


def standardised(visual: torch.Tensor, centre: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    return normalize((visual - centre) / spread, dim=-1)


def test_raw_scores_follow_their_formulas_image_by_image():
    cas = make_cas()
    raw, features = cas.raw, see(1, 5)
    f, label = features.aligned[0], 2
    similarity = [unit(4, WIDTH, seed=10 + y) @ f for y in range(LABELS)]
    mean = torch.stack([s.mean() for s in similarity])
    present, absent = unit(2, WIDTH, seed=20 + label), unit(2, WIDTH, seed=30 + label)
    items = 10.0 * (present @ f - absent @ f)
    known = [normalize(see(6, 40 + y).visual, dim=1) for y in range(LABELS)]
    spread = torch.cat(known).std(0, unbiased=False)
    standardise = partial(standardised, centre=torch.cat(known).mean(0), spread=spread + 0.1 * spread.mean())
    visual, references = standardise(normalize(features.visual[0], dim=0)), standardise(known[label])
    chance = torch.softmax(10.0 * mean, 0)[label]
    expected = torch.stack(
        [
            mean[label],
            torch.log(chance / (1 - chance)),
            (1.0 * items[0] + 3.0 * items[1]) / 4.0,
            (references @ visual).sort(descending=True).values[:3].mean(),
        ]
    )
    assert torch.allclose(raw(features, torch.tensor([label]))[0], expected, atol=1e-5)


def test_plausibility_uses_all_references_where_there_are_fewer_than_k():
    few, all_of_them = make_cas(neighbours=50), make_cas(neighbours=6)
    features, labels = see(3, 3), torch.tensor([0, 1, 2])
    few, all_of_them = (cas.raw.dimension("plausibility") for cas in (few, all_of_them))
    assert torch.equal(few(features, labels), all_of_them(features, labels))


def test_a_label_without_reference_images_is_named():
    texts = [
        LabelTexts(unit(2, WIDTH, seed=i), unit(1, WIDTH, seed=i), unit(1, WIDTH, seed=i), torch.ones(1))
        for i in (0, 1)
    ]
    with pytest.raises(ValueError, match="label number 1 has no reference image"):
        Evidence(texts, [unit(2, WIDTH, seed=9), torch.empty(0, WIDTH)], 10.0, 5)


def test_a_calibration_without_a_dimension_is_named():
    with pytest.raises(CraftError, match="plausibility"):
        ClinicalAlignment(
            make_cas().raw, {name: Logistic(1, (0, 0, 0), 0.5, 2) for name in DIMENSIONS if name != "plausibility"}
        )


def test_cas_is_plausibility_times_the_mean_of_the_others_for_tensors_and_arrays_alike():
    names = ["alignment", "plausibility", "checklist"]
    scores = [[0.5, 0.5, 1.0], [0.25, 1.0, 0.75], [1.0, 0.0, 1.0]]
    expected = [0.375, 0.5, 0.0]
    assert combine(torch.tensor(scores), names).tolist() == combine(np.array(scores), names).tolist() == expected


def test_an_implausible_image_has_no_cas_whatever_its_label_scores_say():
    assert [name for name, kind in DIMENSIONS.items() if kind.gate] == ["plausibility"]
    scores = torch.ones(2, len(DIMENSIONS))
    scores[0, list(DIMENSIONS).index("plausibility")] = 0
    assert combine(scores).tolist() == [0.0, 1.0]


def test_without_a_gate_cas_is_the_mean_and_without_anything_else_the_gate():
    scores = np.array([[0.0, 0.5], [0.2, 0.4]])
    assert combine(scores, ["alignment", "specificity"]) == pytest.approx([0.25, 0.3])
    assert combine(scores[:, :1], ["plausibility"]) == pytest.approx([0.0, 0.2])


def test_the_gradient_of_cas_flows_through_the_gate_and_through_what_it_lets_pass():
    scores = torch.full((1, len(DIMENSIONS)), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(combine(scores).sum(), scores)
    by_name = dict(zip(DIMENSIONS, gradient[0].tolist(), strict=True))
    assert by_name.pop("plausibility") == pytest.approx(0.5)
    assert list(by_name.values()) == pytest.approx([0.5 / 3] * 3)


def test_every_dimension_says_what_it_asks():
    for name, dimension in DIMENSIONS.items():
        assert dimension.question.endswith("?"), name


def test_every_claimed_label_has_an_intercept_of_its_own():
    cas, features, labels = make_cas(), see(3, 4), torch.tensor([2, 0, 1])
    raw, found = cas.raw(features, labels), torch.logit(cas(features, labels).double()).float()
    intercepts = torch.tensor([[-0.2] * 4, [0.1 * index for index in range(4)], [0.0] * 4])
    slopes = torch.tensor([2.0 + index for index in range(4)])
    assert torch.allclose(found, raw * slopes + intercepts, atol=1e-3)


def test_a_calibration_of_other_labels_is_refused():
    maps = dict.fromkeys(DIMENSIONS, Logistic(1.0, (0.0, 0.0), 0.5, 2))
    with pytest.raises(CraftError, match="intercepts of 2 labels, the knowledge 3; run calibrate_cas again"):
        ClinicalAlignment(make_cas().raw, maps)
