"""Linting: each kind of mistake is found at its line, and the bank has none."""

from pathlib import Path

import pytest
import yaml
from tiny import tiny_knowledge

from craft.core.errors import CraftError
from craft.knowledge.checks import Kind
from craft.knowledge.lint import estimate_tokens, lint_file, lint_text
from craft.knowledge.schema import Knowledge
from craft.models.tokenizer import train_tokenizer

ROOT = Path(__file__).parents[2]
BANK = sorted((ROOT / "data/knowledge").glob("*.yaml"))
COMPLETE = {
    "chest_xray": """no_finding enlarged_cardiomediastinum cardiomegaly lung_opacity lung_lesion edema consolidation
        pneumonia atelectasis pneumothorax pleural_effusion pleural_other fracture support_devices normal""",
    "dermoscopy": "nevus melanoma benign_keratosis nv mel bcc bkl df vasc akiec ak scc",
    "fundus": "no_dr nonproliferative_dr proliferative_dr grade_0 grade_1 grade_2 grade_3 grade_4",
    "histopathology": """benign adenocarcinoma squamous_carcinoma lung_n lung_aca lung_scc colon_n colon_aca
        adi back deb lym muc mus norm str tum""",
}

CLEAN = """\
modality: dermoscopy
coarse_prompts:
  - a dermoscopy image of skin
labels:
  wart:
    name: common wart
    definition: A benign growth with a rough surface.
    prompt: a dermoscopy image of a common wart
    descriptions:
      - a common wart on the hand, black dots, rough surface
      - a common wart on the foot, pale papillae
      - a common wart on dark skin, grey frogspawn pattern
      - a flat common wart, yellow tint, even edge
      - a large common wart, white halo, no pigment network
      - a small common wart, red points in a mosaic
      - a thick common wart with yellow crust
      - a pigmented common wart, brown globules
    checklist:
      - {present: the lesion has black dots, absent: the lesion has no black dots, weight: 1, facet: f, source: A 2000}
      - {present: the lesion has a rough surface, absent: the lesion has a flat surface, weight: 1, facet: f, source: A}
      - {present: pale papillae are crowded, absent: pale papillae are sparse, weight: 1, facet: papillae, source: A}
      - {present: there is no blue veil, absent: there is a blue veil, weight: 1, facet: veil, source: A 2000}
      - present: the edge is even and sharp
        absent: the edge is notched
        weight: 1
        facet: edge
        source: A 2000
  naevus:
    name: blue naevus
    definition: A benign blue lesion of melanocytes.
    prompt: a dermoscopy image of a blue naevus
"""
CLEAN += CLEAN[CLEAN.index("    descriptions:") : CLEAN.index("  naevus:")].replace("common wart", "blue naevus")
PATTERNED = "a flat common wart, yellow tint, even edge"


def found(text: str, **options):
    return [(finding.kind, finding.label, finding.line) for finding in lint_text(text, "knowledge.yaml", **options)]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_clean_file_has_no_finding(tmp_path):
    (tmp_path / "knowledge.yaml").write_text(CLEAN)
    assert lint_file(tmp_path / "knowledge.yaml") == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        (Kind.NO_CONTRAST, "absent: the edge is notched", "absent: the sharp edge is even", "say the same"),
        (Kind.NO_CONTRAST, "absent: the edge is notched", "absent: hairs cross the skin", "do not contradict"),
        (Kind.CONTRADICTION, PATTERNED, "a flat common wart under a blue veil", "contradicts the checklist"),
        (Kind.CONTRADICTION, PATTERNED, "a common wart, blue veil at the top", "there is no blue veil"),
        (Kind.CONTRADICTION, PATTERNED, "a common wart, a flat surface", "has a rough surface"),
        (Kind.DUPLICATE, PATTERNED, "a common wart on the hand, rough surface, black dots", "nearly repeats"),
        (Kind.OTHER_LABEL, PATTERNED, "a flat common wart beside a blue naevus", "names the label 'naevus'"),
        (Kind.UNSEEN, PATTERNED, "a flat itchy common wart, yellow tint", "'itchy' cannot be seen"),
    ],
)
def test_a_mistake_is_found_at_its_line(kind, old, new, message):
    text = CLEAN.replace(old, new, 1)
    (finding,) = lint_text(text, "knowledge.yaml")
    line = line_of(text, new) - (kind == Kind.NO_CONTRAST)
    assert (finding.kind, finding.label, finding.line) == (kind, "wart", line)
    assert str(finding).startswith(f"knowledge.yaml:{line}: wart: ") and message in finding.message


def test_items_that_contradict_each_other_or_repeat_are_found_at_the_later_one():
    edge = "present: the edge is even and sharp\n        absent: the edge is notched"
    veil = "present: a blue veil covers the centre\n        absent: no blue veil covers the centre"
    text = CLEAN.replace(edge, veil, 1)
    assert found(text) == [(Kind.CONTRADICTION, "wart", line_of(text, veil))]
    dots = "present: the lesion has many black dots\n        absent: the lesion has no black dots"
    text = CLEAN.replace(edge, dots, 1)
    assert (Kind.DUPLICATE, "wart", line_of(text, dots)) not in found(
        text
    )  # two words of three are not yet a repetition
    dots = "present: the lesion has dots that are black\n        absent: the lesion has no black dots"
    text = CLEAN.replace(edge, dots, 1)
    assert found(text) == [(Kind.DUPLICATE, "wart", line_of(text, dots))]


@pytest.mark.parametrize(
    "harmless",
    [
        "a flat common wart, no blue veil",
        "a flat common wart without any blue naevus",
        "a flat common wart, no rough surface",
        "a large common wart, an evenly tanned back",
    ],
)
def test_denials_and_parts_of_words_are_no_mistakes(harmless):
    assert found(CLEAN.replace(PATTERNED, harmless, 1)) == []


def test_held_out_descriptions_are_checked_like_the_others_and_against_them():
    first, second = "a thick {} with yellow crust", "a pigmented {}, brown globules"
    text = CLEAN
    for name in ("common wart", "blue naevus"):
        held = "".join(f"      - {each.format(name)}\n" for each in (first, second))
        text = text.replace(held, f"    held_out_descriptions:\n{held}")
    assert text != CLEAN and found(text) == []
    aged = text.replace("a thick common wart with", "a thick old common wart of many years with")
    assert found(aged) == [(Kind.UNSEEN, "wart", line_of(aged, "many years"))]
    twice = text.replace(
        "a thick common wart with yellow crust", "a common wart on the hand, black dots, a rough surface"
    )
    assert found(twice) == [(Kind.DUPLICATE, "wart", line_of(twice, "a rough surface\n"))]


def test_held_out_descriptions_of_one_label_alone_are_a_finding():
    last = "      - a pigmented common wart, brown globules\n"
    text = CLEAN.replace(last, f"    held_out_descriptions:\n{last}      - a pale common wart, a halo\n", 1)
    assert [kind for kind, _, _ in found(text)] == [Kind.SCHEMA]


def test_a_label_may_name_what_it_is_a_kind_of():
    text = CLEAN.replace("name: blue naevus", "name: wart").replace(PATTERNED, "a flat common wart, a yellow wart")
    assert found(text) == []


def test_an_item_that_cannot_be_seen_is_found_in_both_its_statements():
    text = CLEAN.replace("the edge is notched", "the edge is notched after years", 1)
    assert found(text) == [(Kind.UNSEEN, "wart", line_of(text, "after years"))]


def test_a_text_beyond_the_window_is_found_by_estimate_and_exactly():
    long = "a common wart, " + ", ".join(["seborrhoeic hyperkeratosis"] * 8)
    text = CLEAN.replace(PATTERNED, long, 1)
    place = (Kind.TOO_LONG, "wart", line_of(text, long))
    assert found(text) == [place]
    assert found(text, window=200) == []
    tokenizer = train_tokenizer([long], window=12)
    exact = len(tokenizer(long).input_ids)
    assert found(text, window=exact, tokenizer=tokenizer).count(place) == 0
    assert place in found(text, tokenizer=tokenizer)  # the tokenizer's own window


def test_the_estimate_counts_marks_words_and_signs():
    assert estimate_tokens("a blue-white veil, 12 mm") == 2 + 1 + 2 + 1 + 2 + 2 + 1 + 2 + 1


@pytest.mark.parametrize(
    ("old", "new", "label", "at"),
    [
        ("weight: 1\n        facet: edge", "weight: -1\n        facet: edge", "wart", "weight: -1"),
        ("    name: common wart\n", "", "wart", "  wart:"),
        ("    name: common wart\n", "    name: common wart\n    colour: red\n", "wart", "    colour:"),
        ("  naevus:", "  wart:", "wart", "  wart:\n    name: blue"),
        ("modality: dermoscopy\n", "", "", "coarse_prompts"),
        ("  - a dermoscopy image of skin", "  - skin", "", "  - skin"),
        ("    name: common wart", "    name: [common wart", "", "definition: A benign growth"),
    ],
)
def test_a_break_of_the_schema_is_found_at_its_line(old, new, label, at):
    text = CLEAN.replace(old, new, 1)
    assert (Kind.SCHEMA, label, line_of(text, at)) in found(text)


@pytest.mark.parametrize(
    "text", ["", "- a", "labels: 3", "labels: {1: 2}", "&a {modality: *a}", "!!python/name:os.system"]
)
def test_what_is_no_knowledge_at_all_is_a_finding(text):
    assert Kind.SCHEMA in [kind for kind, _, _ in found(text)]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CraftError, match=r"no knowledge file .*x\.yaml"):
        lint_file(tmp_path / "x.yaml")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CraftError, match=r"x\.yaml cannot be read as UTF-8"):
        lint_file(tmp_path / "x.yaml")


def test_knowledge_in_memory_is_linted_by_its_yaml():
    known = tiny_knowledge()
    nevus = known.labels["nevus"]
    twice = nevus.model_copy(update={"descriptions": [*nevus.descriptions, nevus.descriptions[0]]})
    findings = lint_text(known.model_copy(update={"labels": known.labels | {"nevus": twice}}).to_yaml(), "answer")
    assert ("nevus", Kind.DUPLICATE) in {(finding.label, finding.kind) for finding in findings}


def test_as_few_texts_as_the_schema_takes_are_enough_for_the_linter():
    text = CLEAN
    for line in [line for line in CLEAN.splitlines(keepends=True) if line.startswith("      - a common wart on")][:2]:
        text = text.replace(line, "", 1)
    assert len(Knowledge.model_validate(yaml.safe_load(text)).labels["wart"].descriptions) < 8
    assert not [kind for kind, label, _ in found(text) if label == "wart"]


@pytest.mark.parametrize("path", BANK, ids=lambda path: path.stem)
def test_the_bank_is_clean(path):
    assert [str(finding) for finding in lint_file(path)] == []


@pytest.mark.parametrize("modality", COMPLETE)
def test_the_bank_is_complete_and_sourced(modality):
    knowledge = Knowledge.load(ROOT / f"data/knowledge/{modality}.yaml")
    assert set(knowledge.labels) == set(COMPLETE[modality].split())
    for label in knowledge.labels.values():
        assert len(label.described()) >= 8 and len(label.checklist) >= 5
        texts = [label.definition, label.prompt, *label.described().values()]
        texts += [text for item in label.checklist for text in (item.present, item.absent)]
        assert max(len(text.split()) for text in texts) < 28
        for item in label.checklist:
            assert item.present != item.absent
            assert any(word.isdigit() and len(word) == 4 for word in item.source.replace(",", " ").split()), item.source


def test_every_dermoscopy_label_is_described_on_dark_or_brown_skin():
    for key, label in Knowledge.load(ROOT / "data/knowledge/dermoscopy.yaml").labels.items():
        for texts in (label.descriptions, label.held_out_descriptions):
            assert any("dark skin" in text or "brown skin" in text for text in texts), key


def test_texts_of_other_findings_would_contradict_a_label_s_checklist():
    knowledge = yaml.safe_load((ROOT / "data/knowledge/dermoscopy.yaml").read_text())
    nevus, melanoma = knowledge["labels"]["nevus"], knowledge["labels"]["melanoma"]
    nevus["descriptions"] = [text.replace("melanoma", "melanocytic nevus") for text in melanoma["descriptions"]]
    wrong = [f for f in lint_text(yaml.safe_dump(knowledge), "knowledge.yaml") if f.kind == Kind.CONTRADICTION]
    assert len({finding.line for finding in wrong}) == len(nevus["descriptions"])
