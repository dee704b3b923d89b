"""What a clinical text asserts and denies."""

import pytest

from craft.knowledge.phrases import alike, denies_before, fold, key_phrase, opposed, read_description, read_statement


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("veins", "vein"), ("opacities", "opacity"), ("patches", "patch"), ("nuclei", "nucleus"), ("callus", "callus")],
)
def test_nouns_are_folded_to_the_singular(plural, singular):
    assert fold(plural) == fold(singular) == singular


def test_a_comma_ends_a_denial_in_a_description_but_not_in_a_statement():
    text = "no red, blue or purple lacunae"
    assert read_statement(text).denied == ({"red", "lacuna"}, {"blue", "lacuna"}, {"purple", "lacuna"})
    assert read_description("no red lacunae, a sharp border").asserted == ({"sharp", "border"},)


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("no brown dots or globules", ({"brown", "dot"}, {"brown", "globule"})),
        ("no new vessels on the disc or along the arcade", ({"new", "vessel", "disc"}, {"new", "vessel", "arcade"})),
        ("a clear retina, without dark or bright lesions", ()),
        ("a veil is not seen", ({"veil"},)),
        ("the lung shows no opacity, only vessels", ({"opacity"},)),
    ],
)
def test_denied_phrases_are_made_whole(text, denied):
    assert read_statement(text).denied == denied


def test_the_key_phrase_is_what_a_statement_is_about():
    assert key_phrase("the lesion has a sharp border, waxy or moth-eaten") == {"sharp", "border"}
    assert key_phrase("the nuclei are large and pleomorphic") == {"nucleus", "large", "pleomorphic"}
    assert key_phrase("the lesion has no sharp border") == frozenset()


@pytest.mark.parametrize(
    ("present", "absent"),
    [
        ("the lesion is symmetric", "the lesion is asymmetric"),
        ("a veil covers the lesion", "no veil covers the lesion"),
        ("a heart wider than half of the chest", "a heart narrower than half of the chest"),
        ("a veil is visible", "a veil is not visible"),
    ],
)
def test_contradictions_are_opposed(present, absent):
    assert opposed(present, absent) and not alike(present, absent)


def test_statements_on_two_subjects_or_with_two_denials_are_not_opposed():
    assert not opposed("the heart is enlarged", "the lungs are clear")
    assert not opposed("there is no round nodule", "there is no calcified nodule")


def test_a_statement_that_only_adds_words_is_alike():
    assert alike("the lesion has a sharp border", "the lesion has a sharp waxy border")


def test_a_denial_reaches_to_the_end_of_its_clause():
    text = "clear lungs without any pneumothorax, a fracture"
    assert denies_before(text, text.index("pneumothorax")) and not denies_before(text, text.index("fracture"))
