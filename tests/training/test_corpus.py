"""The corpus: what is known of its images, and which item is asked of which."""

from collections import Counter

import numpy as np
import pytest
from greys import BRIGHT, DARK, make_item, make_knowledge

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.core.images import image_row, write_images
from craft.knowledge.schema import Knowledge
from craft.training.corpus import Corpus
from craft.training.evaluator import draw_texts
from craft.training.signs import NO, UNKNOWN, YES, tabulate_signs

NAMES = ["is round", "is soft", "is hard", "is thin"]
OWN = {BRIGHT: NAMES[:3], DARK: [NAMES[2], NAMES[3], "is old"]}
ASKED = [*NAMES, "is old"]


def statement(name: str) -> str:
    return f"the thing {name}"


@pytest.fixture
def files(tmp_path):
    """A bright and a dark image; the labels share the third item; the answers of both images."""
    items = {name: make_item(statement(name), f"the thing not {name}", None) for name in ASKED}
    knowledge = make_knowledge(**{label: [items[name] for name in names] for label, names in OWN.items()})
    pixels = [np.full((32, 32, 3), level, np.uint8) for level in (200, 50)]
    rows = [image_row(p, label=name, split="train", origin="s") for p, name in zip(pixels, OWN, strict=True)]
    write_images(tmp_path / "images.parquet", rows)
    (tmp_path / "knowledge.yaml").write_text(knowledge.to_yaml())
    answers = np.array([[YES, NO, UNKNOWN, NO, UNKNOWN], [UNKNOWN] * 5], dtype=object)
    table = tabulate_signs([row["image_id"] for row in rows], [statement(name) for name in ASKED], answers)
    write_parquet(tmp_path / "signs.parquet", table)
    return [tmp_path / name for name in ("images.parquet", "knowledge.yaml", "signs.parquet")]


def load(files, signs=True, times=1) -> Corpus:
    images, knowledge, table = ([file] * times for file in files)
    return Corpus.load(images, knowledge, "train", signs=table if signs else None)


def draw(corpus: Corpus, row: int, count: int = 600) -> Counter:
    rng = np.random.default_rng(0)
    draws = (corpus.draw_item(row, rng) for _ in range(count))
    return Counter((item.present.removeprefix("the thing "), truth) for item, truth in draws)


def test_answers_stand_in_the_columns_of_their_own_dataset(files):
    corpus = load(files, times=2)
    assert [item.present for item in corpus.items] == [statement(name) for name in ASKED] * 2
    told, none = [1, -1, 0, -1, 0], [0] * 5
    assert corpus.answers.tolist() == [told + none, none * 2, none + told, none * 2]
    assert not load(files, signs=False).answers.any()


def test_what_is_known_of_an_image_is_asked_half_of_the_time_of_its_own_label(files):
    drawn = draw(load(files), 0)
    assert set(drawn) == {("is round", 1), ("is soft", -1), ("is thin", -1)}
    assert drawn["is thin", -1] == pytest.approx(300, abs=50)
    assert drawn["is round", 1] == pytest.approx(150, abs=40)


def test_where_nothing_is_known_the_items_of_the_label_count_as_true(files):
    assert set(draw(load(files), 1)) == {(name, 1) for name in OWN[DARK]}
    assert set(draw(load(files, signs=False), 0)) == {(name, 1) for name in OWN[BRIGHT]}


def test_draws_repeat_themselves(files):
    assert draw(load(files), 0) == draw(load(files), 0)


@pytest.mark.parametrize("role", ["reward", "monitor", "held_out"])
def test_an_evaluator_learns_from_the_descriptions_of_its_role_alone(files, role):
    """Everything that is drawn in many batches; checklist statements are everyone's."""
    images, path, _ = files
    raw = Knowledge.load(path).model_dump(mode="json")
    for key, label in raw["labels"].items():
        label["held_out_descriptions"] = [f"another text of {key}", f"a third text of {key}"]
    known = Knowledge.model_validate(raw)
    path.write_text(known.to_yaml())
    fields = ("descriptions", "held_out_descriptions")
    own = {field: {text for label in known.labels.values() for text in getattr(label, field)} for field in fields}
    corpus, rng = Corpus.load([images], [path], "train", role=role), np.random.default_rng(0)
    batches = [draw_texts(corpus, np.array([0, 1]), rng) for _ in range(100)]
    drawn = {text for batch in batches for text in batch.captions + batch.statements}
    read = own["held_out_descriptions" if role == "held_out" else "descriptions"]
    assert drawn - {label.prompt for label in corpus.labels} <= read <= drawn
    assert own["descriptions"] | own["held_out_descriptions"] <= set(corpus.texts()), "tokenizers read all texts"


def test_every_image_table_needs_its_own_files(files):
    images, knowledge, signs = files
    with pytest.raises(CraftError, match="1 image tables but 2 tables of signs"):
        Corpus.load([images], [knowledge], "train", signs=[signs, signs])
    with pytest.raises(CraftError, match="1 image tables but 0 knowledge files"):
        Corpus.load([images], [], "train")
