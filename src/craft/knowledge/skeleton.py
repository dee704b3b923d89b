"""A knowledge file to be filled in: every text is empty, so that none can be trained on before it is written."""

from collections.abc import Sequence

from craft.knowledge.instructions import in_words

DESCRIPTIONS, ITEMS = 8, 5

HEAD = """\
# Clinical knowledge of {words}. Fill in every empty text; `craft knowledge lint FILE` says what is lacking.
# A text is a phrase of 12 to 240 characters about what a single image shows: no history, no age, no laboratory values.
modality: {modality}
# what every image of this kind is, whatever its label
coarse_prompts:
- ""  # for example: a dermoscopy image of a skin lesion
- ""
labels:
"""
LABEL = """\
  {key}:
    # the label in words
    name: {words}
    # one sentence: what the label is
    definition: ""
    # the plain prompt: the kind of image and the label's name
    prompt: ""
    # enriched prompts that vary view, site, severity and appearance, and name no other label
    descriptions:
{descriptions}
    # signs: present is true of the label, absent is its contradiction in the same words
    checklist:
{items}
"""
ITEM = """\
    - present: ""
      absent: ""
      weight: 1.0  # how much the sign counts, above 0 and at most 5
      facet: ""  # what it is about, for example border
      source: ""  # where it is published
      biomarker: null  # for example high asymmetry, where it can be computed"""


def write_skeleton(modality: str, labels: Sequence[str]) -> str:
    """The YAML text of a knowledge file whose texts are empty.

    Args:
        modality: key of the kind of image.
        labels: keys of the labels.
    """
    parts = [
        LABEL.format(
            key=key,
            words=in_words(key),
            descriptions="\n".join(['    - ""'] * DESCRIPTIONS),
            items="\n".join([ITEM] * ITEMS),
        )
        for key in labels
    ]
    return HEAD.format(modality=modality, words=in_words(modality)) + "".join(parts)
