"""Review pages: everything of the knowledge is on them, escaped, with places to write, and nothing from outside."""

import re
from html.parser import HTMLParser

import pytest
from tiny import tiny_knowledge

from craft.knowledge.review import write_review
from craft.knowledge.schema import Knowledge


class Page(HTMLParser):
    """Tags that are open and the text of a page; a tag that closes another is an error."""

    def __init__(self, markup: str):
        super().__init__()
        self.open, self.text, self.links, self.boxes = [], "", [], 0
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.boxes += given.get("class") == "box"
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def knowledge() -> Knowledge:
    raw = tiny_knowledge().model_dump(mode="json")
    raw["labels"]["nevus"]["descriptions"][0] = 'a lesion <5 mm & "round"'
    raw["labels"]["nevus"]["checklist"][0]["biomarker"] = "low border_irregularity"
    return Knowledge.model_validate(raw)


def test_every_label_has_a_page_with_all_of_its_knowledge(knowledge, tmp_path):
    pages = write_review(knowledge, tmp_path)
    assert [page.name for page in pages] == ["index.html", "nevus.html", "melanoma.html"]
    for label, known in knowledge.labels.items():
        page = Page((tmp_path / f"{label}.html").read_text(encoding="utf-8"))
        text = " ".join(page.text.split())
        told = [known.definition, known.prompt, *known.descriptions]
        told += [getattr(item, part) for item in known.checklist for part in ("present", "absent", "facet", "source")]
        assert all(each in text for each in told)
        assert text.count("Comment") == len(known.checklist)
        assert page.boxes == 2 + 3 * len(known.descriptions) + 2 * len(known.checklist) + 3
        assert "Signature" in text and page.open == []
    assert "low border irregularity" in (tmp_path / "nevus.html").read_text()


def test_pages_refer_to_each_other_and_to_nothing_outside(knowledge, tmp_path):
    for path in write_review(knowledge, tmp_path):
        markup = path.read_text()
        assert set(Page(markup).links) <= {"index.html", "nevus.html", "melanoma.html"}
        assert not re.search(r"https?:|//|@import|url\(|<script", markup)


def test_pages_say_where_the_knowledge_comes_from(knowledge, tmp_path):
    own = {"date": "2025-01-31", "prompt_sha256": "f" * 64}
    origin = {"provider": "openai", "model": "toy", "labels": {"nevus": own, "melanoma": own}}
    write_review(knowledge, tmp_path, origin)
    text = " ".join(Page((tmp_path / "nevus.html").read_text()).text.split())
    assert "Written by a language model, toy (provider openai), on 2025-01-31, prompt ffffffffffff." in text
    bank = {"provider": "bank", "file": "data/knowledge/x.yaml", "sha256": "a" * 64, "labels": ["nevus", "melanoma"]}
    write_review(knowledge, tmp_path, bank)
    assert "From the bank, file data/knowledge/x.yaml" in Page((tmp_path / "index.html").read_text()).text


def test_a_source_that_is_a_script_is_no_link(tmp_path):
    raw = tiny_knowledge().model_dump(mode="json")
    for label in raw["labels"].values():
        label["checklist"][0]["source"] = "javascript:alert(1)"
    for page in write_review(Knowledge.model_validate(raw), tmp_path):
        assert not [link for link in Page(page.read_text()).links if link.startswith("javascript")]
