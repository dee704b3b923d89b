"""What a new knowledge file changes: additions, removals and changes are told apart."""

from tiny import tiny_knowledge

from craft.knowledge.diff import Change, diff_knowledge
from craft.knowledge.schema import Knowledge


def edited(edit) -> Knowledge:
    """The tiny knowledge after an edit of its plain form."""
    raw = tiny_knowledge().model_dump(mode="json")
    edit(raw["labels"])
    return Knowledge.model_validate(raw)


def test_equal_files_do_not_differ():
    assert diff_knowledge(tiny_knowledge(), tiny_knowledge()) == []


def test_another_order_of_descriptions_is_no_difference():
    assert diff_knowledge(edited(lambda labels: labels["nevus"]["descriptions"].reverse()), tiny_knowledge()) == []


def test_labels_are_added_and_removed():
    new = edited(lambda labels: labels.update(mole=labels.pop("nevus")))
    assert [(diff.label, diff.kind) for diff in diff_knowledge(new, tiny_knowledge())] == [
        ("mole", "added"),
        ("nevus", "removed"),
    ]


def test_texts_that_are_alike_count_as_changed_and_others_as_added_and_removed():
    def edit(labels):
        texts = labels["nevus"]["descriptions"]
        texts[0] = "a lesion with one brown colour"
        texts[1] = "globules, streaks and a veil"

    (diff,) = diff_knowledge(edited(edit), tiny_knowledge())
    assert diff.label == "nevus" and set(diff.changes) == {"descriptions"}
    assert diff.changes["descriptions"] == [
        Change("a lesion with one colour", "a lesion with one brown colour"),
        Change("", "globules, streaks and a veil"),
        Change("a lesion with a border", ""),
    ]
    assert [change.kind for change in diff.changes["descriptions"]] == ["changed", "added", "removed"]


def test_held_out_descriptions_have_changes_of_their_own():
    def edit(labels):
        for label in labels.values():
            label["held_out_descriptions"] = ["a spot on the skin", "a patch on the skin"]

    diffs = diff_knowledge(edited(edit), tiny_knowledge())
    assert [set(diff.changes) for diff in diffs] == [{"held_out_descriptions"}] * 2
    added = [Change("", "a spot on the skin"), Change("", "a patch on the skin")]
    assert diffs[0].changes["held_out_descriptions"] == added


def test_a_changed_item_and_a_changed_definition_are_shown_in_full():
    def edit(labels):
        labels["melanoma"]["checklist"][1]["weight"] = 2.5
        labels["melanoma"]["definition"] = "a dark lesion that is drawn"

    (diff,) = diff_knowledge(edited(edit), tiny_knowledge())
    assert diff.changes["definition"] == [Change("a lesion that is drawn", "a dark lesion that is drawn")]
    (change,) = diff.changes["checklist"]
    assert "weight 1, border; ABCD rule" in change.old and "weight 2.5, border; ABCD rule" in change.new
