"""The notebooks' shared look: theme, names, colours and order of methods, and how a figure is saved."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from craft.core.files import atomic_path
from craft.core.settings import CONTROLS, DECODED, REAL

# width of the paper's text block
WIDTH = 6.9
INK, MUTED, RULE = "#1f2328", "#6b7280", "#d4d7dc"

# Okabe-Ito: told apart with every common colour vision, and in grey by their lightness
COLOURS = {
    REAL: "#1f2328",
    DECODED: "#009e73",
    "foundation": "#9aa1ab",
    "lora": "#56b4e9",
    "lora_enriched": "#0072b2",
    "craft": "#d55e00",
}
SPARE = ("#cc79a7", "#e69f00", "#7b5ea7", "#8c6d31", "#5f7f3b", "#b8336a", "#3d8f8f", "#a89f68", "#4b4e6d", "#c1666b")
NAMES = {
    REAL: "Test images",
    DECODED: "Test images, decoded",
    "foundation": "Foundation",
    "lora": "LoRA",
    "lora_enriched": "LoRA (enriched)",
    "craft": "CRAFT",
}
ACRONYMS = {
    **{"alignprop": "AlignProp", "cxr": "CXR", "dpo": "DPO", "dr": "DR", "lora": "LoRA", "nih": "NIH", "oct": "OCT"},
    **{"refl": "ReFL", "rwr": "RWR", "xray": "X-ray"},
}
ROLES = {
    "reward": "in-family (reward evaluator)",
    "monitor": "monitor evaluator",
    "held_out": "out-of-family (held-out evaluator)",
    "phantom_classifier": "classifier of phantoms",
}


def set_theme() -> None:
    """Set the theme of all figures; text in vector files stays text."""
    style = {
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlepad": 5,
        "axes.titleweight": "bold",
        "figure.constrained_layout.use": True,
        "font.family": "DejaVu Sans",
        "grid.color": RULE,
        "grid.linewidth": 0.4,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "text.color": INK,
        "xtick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.color": MUTED,
        "ytick.labelcolor": INK,
    }
    sizes = {"font.size": 7.5, "axes.labelsize": 7.5, "axes.titlesize": 8, "legend.fontsize": 7.5}
    sizes |= {"xtick.labelsize": 7, "ytick.labelsize": 7, "xtick.major.size": 2.5, "ytick.major.size": 2.5}
    sizes |= {"xtick.major.width": 0.6, "ytick.major.width": 0.6}
    sns.set_theme(context="paper", style="ticks", rc=style | sizes)


def name_method(method: str) -> str:
    """A method's name in figures, for example `lora_enriched` -> "LoRA (enriched)"."""
    return NAMES.get(method, spell(method))


def spell(name: str) -> str:
    """A key in words: blanks for underscores, capitals for the first letter and for acronyms."""
    words = " ".join(ACRONYMS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def colour_methods(methods: Iterable[str]) -> dict[str, str]:
    """A colour for every method: a fixed one for the standard methods, a spare one for others."""
    methods = list(methods)
    others = [method for method in methods if method not in COLOURS]
    spare = {method: SPARE[index % len(SPARE)] for index, method in enumerate(others)}
    return {method: COLOURS.get(method) or spare[method] for method in methods}


def order_methods(present: Iterable[str], configured: Iterable[str]) -> list[str]:
    """The methods that are present: the controls first, then in the order of the configuration."""
    present = set(present)
    return [method for method in (*CONTROLS, *configured) if method in present]


def empty_figure(message: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = plt.figure(figsize=(WIDTH, 1.2))
    figure.text(0.5, 0.5, message, ha="center", va="center", color=MUTED)
    return figure


def save_figure(figure: Figure, folder: str | Path, name: str, notice: str = "") -> None:
    """Save a figure as PNG (200 dpi), PDF and SVG, with the notice as its last line; equal figures make equal files.

    Args:
        figure: the figure; its height grows by the notice.
        folder: where `<name>.png` and the others are written.
        name: file name without suffix.
        notice: what plays the part of real images.
    """
    if notice:
        add_notice(figure, notice)
    undated = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Creator": None}, "svg": {"Date": None}}
    for suffix, metadata in undated.items():
        with atomic_path(Path(folder) / f"{name}.{suffix}") as staged, plt.rc_context({"svg.hashsalt": name}):
            figure.savefig(staged, dpi=200, metadata=metadata, format=suffix)


def add_notice(figure: Figure, notice: str) -> None:
    """Write the notice below everything else; the layout engine makes room for it."""
    width, _ = figure.get_size_inches()
    figure.supxlabel(textwrap.fill(notice, int(width * 21)), x=0.01, ha="left", fontsize=6, color=MUTED, style="italic")
