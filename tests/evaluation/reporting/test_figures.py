"""The figures' shared look."""

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from craft.evaluation.reporting.figures import colour_methods, name_method, order_methods, save_figure, set_theme, spell


def test_methods_are_ordered_real_first_then_as_configured():
    assert order_methods({"craft", "real", "lora"}, ["lora", "foundation", "craft"]) == ["real", "lora", "craft"]


def test_every_method_has_a_colour_of_its_own():
    colours = colour_methods(["real", "foundation", "lora", "lora_enriched", "craft", "ours_a", "ours_b"])
    assert len(set(colours.values())) == 7


@pytest.mark.parametrize("key, words", [("no_dr", "No DR"), ("benign_keratosis", "Benign keratosis")])
def test_keys_are_spelled_in_words(key, words):
    assert spell(key) == words


def test_unknown_methods_are_named_by_their_key():
    assert name_method("craft") == "CRAFT" and name_method("craft_no_anchor") == "Craft no anchor"


def test_figures_are_saved_twice_and_bit_for_bit_again(tmp_path):
    set_theme()
    written = []
    for attempt in ("one", "two"):
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([0, 1])
        save_figure(figure, tmp_path / attempt, "line", "a notice")
        written.append([(tmp_path / attempt / f"line.{suffix}").read_bytes() for suffix in ("png", "pdf")])
        plt.close(figure)
    assert written[0] == written[1]
    assert Image.open(tmp_path / "one/line.png").size == (400, 200)
