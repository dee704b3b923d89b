"""The figure of a reader study: how often a method was chosen, by dataset and reader."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from craft.evaluation.reporting.figures import (
    INK,
    MUTED,
    RULE,
    WIDTH,
    colour_methods,
    empty_figure,
    name_method,
    save_figure,
    set_theme,
    spell,
)
from craft.evaluation.tables import ALL


def save_study_figure(table: pd.DataFrame, folder: Path, notice: str) -> None:
    """Save `analysis.png` and `analysis.pdf`: win rates with exact intervals, for all, every dataset and every reader.

    Args:
        table: of `analyse_study`.
        folder: of the files.
        notice: what plays the part of real images.
    """
    set_theme()
    shown = table[(table["metric"] == "win_rate") & (table["label"] == ALL) & (table["n"] > 0)]
    figure = draw_win_rates(shown) if len(shown) else empty_figure("Every answer says: no difference.")
    save_figure(figure, folder, "analysis", notice)
    plt.close(figure)


def draw_win_rates(shown: pd.DataFrame) -> plt.Figure:
    """A panel for every compared method, a line for every place."""
    others = list(shown["against"].unique())
    lines = list(dict.fromkeys(map(line_of, shown["dataset"], shown["reader"])))
    size = (WIDTH, 0.2 * len(lines) + 0.75)
    figure, grid = plt.subplots(1, len(others), figsize=size, sharey=True, squeeze=False)
    colours = colour_methods([shown["method"].iloc[0]])
    for axes, against in zip(grid[0], others, strict=True):
        own = shown[shown["against"] == against]
        axes.axvline(0.5, color=INK, linewidth=0.6)
        places = [lines.index(line_of(*place)) for place in zip(own["dataset"], own["reader"], strict=True)]
        bars = np.stack([own["value"] - own["low"], own["high"] - own["value"]])
        whole = (own["dataset"] == ALL) & (own["reader"] == ALL)
        for chosen, colour in ((whole, next(iter(colours.values()))), (~whole, MUTED)):
            style = {"marker": "o", "markersize": 3.5, "linestyle": "none", "elinewidth": 1, "color": colour}
            at = np.array(places)[chosen.to_numpy()]
            axes.errorbar(own["value"][chosen], at, xerr=bars[:, chosen.to_numpy()], **style)
        method = name_method(own["method"].iloc[0])
        axes.set(xlim=(-0.02, 1.02), ylim=(len(lines) - 0.5, -0.5), yticks=range(len(lines)), yticklabels=lines)
        axes.set_xlabel(f"share of choices for {method} over {name_method(against)}")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=RULE)
    return figure


def line_of(dataset: str, reader: str) -> str:
    """What a line of the figure is about."""
    return f"Reader {reader}" if reader != ALL else "All" if dataset == ALL else spell(dataset)
