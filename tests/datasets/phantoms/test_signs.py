"""What is true of a phantom: each checklist statement is told from its attributes, never with its opposite."""

from pathlib import Path

import numpy as np
import pytest

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import MODALITIES, find_modality
from craft.datasets.phantoms.signs import above, between, negate, said_of
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data" / "knowledge"


@pytest.fixture(scope="module", params=MODALITIES)
def phantoms(request):
    """A modality, the checklist items of its labels, and the answers of 60 phantoms a label by label and statement."""
    modality = find_modality(request.param)
    items = Knowledge.load(BANK / f"{modality.name}.yaml").select(list(modality.labels)).items()
    answers = {}
    for label in modality.labels:
        drawn = [make_phantom(modality, label, 16, 11, index).attributes for index in range(60)]
        for statement, holds in modality.signs.items():
            answers[label, statement] = np.array([holds(attributes) for attributes in drawn], dtype=object)
    return modality, items, answers


def test_every_statement_of_the_checklists_is_told_and_no_other(phantoms):
    modality, items, _ = phantoms
    assert set(modality.signs) == {item.present for item in items}


def test_every_statement_is_true_of_some_phantoms_and_false_of_others(phantoms):
    modality, _, answers = phantoms
    for statement in modality.signs:
        said = np.concatenate([answers[label, statement] for label in modality.labels])
        assert {True, False} <= set(said) <= {True, False, None}, statement


def test_a_statement_and_its_contradiction_are_never_both_true(phantoms):
    modality, items, answers = phantoms
    for item in (item for item in items if item.absent in modality.signs):
        for label in modality.labels:
            both = zip(answers[label, item.present], answers[label, item.absent], strict=True)
            assert (True, True) not in set(both), item.present


def test_items_are_mostly_true_of_phantoms_of_their_label_and_false_of_some(phantoms):
    modality, _, answers = phantoms
    own = Knowledge.load(BANK / f"{modality.name}.yaml").labels
    said = [answers[label, item.present] for label in modality.labels for item in own[label].checklist]
    told = np.concatenate(said)
    told = told[told != None].astype(bool)  # noqa: E711
    assert 0.5 < told.mean() < 1.0


def test_a_border_is_irregular_smooth_or_neither():
    signs = find_modality("dermoscopy").signs
    notched, smooth = (
        signs[f"the lesion has {border}"] for border in ("an irregular notched border", "a smooth regular border")
    )
    said = [(notched(drawn), smooth(drawn)) for drawn in ({"border_irregularity": v} for v in (0.9, 0.45, 0.1))]
    assert said == [(True, False), (None, None), (False, True)]


def test_predicates_are_made_of_limits():
    drawn = {"size": 0.5, "shown": False}
    assert above("size", 0.4)(drawn) is True and above("size", 0.5)(drawn) is False
    assert above("size", 0.6, 0.4)(drawn) is None
    assert [between(lambda a: a["size"], *limits)(drawn) for limits in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.8))] == [
        True,
        None,
        False,
    ]
    assert negate(above("size", 0.4))(drawn) is False and negate(above("size", 0.6, 0.4))(drawn) is None
    assert said_of(lambda a: a["shown"], above("size", 0.4))(drawn) is None
