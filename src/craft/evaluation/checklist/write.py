"""The checklist as a page of Markdown."""

from itertools import groupby

from craft.evaluation.checklist.facts import Facts
from craft.evaluation.checklist.items import ITEMS, Item

OPEN = "*Not answered by this run.*"
HEAD = """# Reporting checklist of this run

The subjects of CLAIM (Checklist for Artificial Intelligence in Medical Imaging, 2024 update) that concern such a study,
in our words and in its order; its own wording is binding. Every answer is made from this run's settings and
tables, none by a person: read them before you hand them in, and answer the {open} open ones of {all} yourself.
"""


def write_checklist(facts: Facts) -> str:
    """All items with their answers, or the words `OPEN`."""
    answered = [(item, item.answer(facts)) for item in ITEMS]
    left = sum(answer is None for _, answer in answered)
    parts = [HEAD.format(open=left, all=len(ITEMS))]
    for section, items in groupby(answered, key=lambda pair: pair[0].section):
        parts.append(f"## {section}\n")
        parts += [write_item(item, answer) for item, answer in items]
    return "\n".join(parts)


def write_item(item: Item, answer: str | None) -> str:
    """One item: what is asked, what is answered, and where that can be looked up."""
    source = f"\nFrom: `{item.source}`\n" if item.source and answer else ""
    return f"**{item.asked}**\n\n{answer or OPEN}\n{source}"
