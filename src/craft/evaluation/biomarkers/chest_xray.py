"""Biomarkers of the frontal chest radiograph: heart size, costophrenic angles and lung density.

Lengths are shares of the inner chest width or of the image side. Densities are shares of the contrast between the
heart, 1, and air, 0, so that exposure does not count. The image's right is the patient's left.
"""

import numpy as np
from scipy import ndimage

from craft.evaluation.biomarkers.base import Biomarkers, Findings, Measure
from craft.evaluation.biomarkers.lungs import COLUMNS, ROWS, SIDE, Lungs, segment_lungs
from craft.evaluation.biomarkers.thorax import STRUCTURES, find_structures

FLEISCHNER = "Fleischner Society glossary, Hansell et al. 2008"
DANZER = "Cardiothoracic ratio, Danzer 1919"
FELSON = "Left ventricular enlargement, Felson's Principles of Chest Roentgenology, Goodman 2015"
MEASURES = {
    "lung_share": Measure("share of the body in the image that is lung", "1", FLEISCHNER),
    "lung_size_ratio": Measure("area of the smaller lung over that of the larger", "1", FLEISCHNER),
    "cardiothoracic_ratio": Measure("widest heart width over the widest inner chest width", "1", DANZER),
    "apex_gap": Measure("distance of the heart from the left chest wall over the inner chest width", "1", FELSON),
    "left_border_bulge": Measure(
        "mean distance of the left heart border from its chord over the inner chest width", "1", FELSON
    ),
    "costophrenic_depth": Measure(
        "how far the lung reaches lower at the wall than at its middle, on the worse side, in image sides",
        "1",
        "Blunting of the costophrenic angle, Blackmore et al. 1996",
    ),
    "lung_density": Measure("mean density of the lungs", "1", FLEISCHNER),
    "zone_difference": Measure(
        "larger of the differences in mean density between the upper and between the middle zones of both sides",
        "1",
        FLEISCHNER,
    ),
    "focal_opacity": Measure("density above that of the air on three sides of it, at its densest", "1", FLEISCHNER),
    "airspace_opacity": Measure("sum of focal opacity and zone difference", "1", FLEISCHNER),
}


def measure(image: np.ndarray) -> Findings:
    """Measure one chest radiograph, uint8 of shape (height, width, 3).

    All values are NaN where no two lungs are found, for example where one side is all white.
    """
    values = dict.fromkeys(MEASURES, float("nan"))
    lungs = segment_lungs(image)
    if lungs is None:
        return Findings(values)
    sizes = [side.sum() for side in lungs.sides]
    values["lung_share"] = sum(sizes) / lungs.body.sum()
    values["lung_size_ratio"] = min(sizes) / max(sizes)
    values |= heart(lungs) | {"costophrenic_depth": costophrenic_depth(lungs)} | opacities(lungs)
    names = ("right lung", "left lung")
    found = find_structures(lungs, values["cardiothoracic_ratio"])
    masks = dict(zip(names, lungs.sides, strict=True))
    return Findings({name: float(value) for name, value in values.items()}, found, masks)


def medial_border(lung: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a lung and the column of its inner border in each; `side` is -1 left and 1 right of the spine."""
    rows = np.flatnonzero(lung.any(axis=1))
    columns = lung[rows].argmax(axis=1) if side > 0 else SIDE - 1 - lung[rows][:, ::-1].argmax(axis=1)
    return rows, columns.astype(float)


def farthest(rows: np.ndarray, columns: np.ndarray, side: int, above_base: float) -> float:
    """The inner border's farthest column in the lower two thirds, down to where the diaphragm begins."""
    top, base = rows[0], rows[-1]
    low = rows > top + 0.35 * (base - top)
    cut = low & (rows <= base - above_base * SIDE)
    columns = ndimage.median_filter(columns[cut if cut.sum() >= 3 else low], 3)
    return float(side * (side * columns).max())


def heart(lungs: Lungs) -> dict[str, float]:
    """Size and outline of the heart, which is what the lungs leave free between them."""
    right, left = (medial_border(lung, side) for lung, side in zip(lungs.sides, (-1, 1), strict=True))
    width = farthest(*left, 1, 0.16) - farthest(*right, -1, 0.16)
    rows, columns = left
    middle = (rows >= 0.5 * (rows[0] + rows[-1])) & (rows <= rows[-1] - 0.10 * SIDE)
    bulge = np.nan
    if middle.sum() > 5:
        ends = np.flatnonzero(middle)[[0, -1]]
        bulge = (columns - np.interp(rows, rows[ends], columns[ends]))[middle].mean() / lungs.width
    return {
        "cardiothoracic_ratio": width / lungs.width,
        "apex_gap": (lungs.walls[1] - farthest(*left, 1, 0.13)) / lungs.width,
        "left_border_bulge": bulge,
    }


def costophrenic_depth(lungs: Lungs) -> float:
    """Lowest reach of the lung along the chest wall less that of its middle, on the worse side."""
    depths = []
    for lung, wall in zip(lungs.sides, lungs.walls, strict=True):
        columns = np.flatnonzero(lung.any(axis=0))
        base = SIDE - 1 - lung[::-1, columns].argmax(axis=0)
        aside = np.abs(columns - lungs.middle) / max(abs(wall - lungs.middle), 1.0)
        lateral, central = base[(aside > 0.82) & (aside < 1.0)], base[(aside > 0.35) & (aside < 0.6)]
        if len(lateral) and len(central):
            depths.append((np.median(lateral) - central.max()) / SIDE)
    return min(depths, default=np.nan)


def opacities(lungs: Lungs) -> dict[str, float]:
    """Density of the lungs, of one side against the other, and of areas against the air around them."""
    zones = zone_difference(lungs)
    focal = focal_opacity(lungs)
    return {
        "lung_density": lungs.density[lungs.both].mean(),
        "zone_difference": zones,
        "focal_opacity": focal,
        "airspace_opacity": zones + focal,
    }


def zone_difference(lungs: Lungs) -> float:
    """Difference of mean density between the sides in the upper or the middle third; fluid gathers in the lowest."""
    rows = np.flatnonzero(lungs.both.any(axis=1))
    thirds = 3 * (ROWS - rows[0]) // max(rows[-1] - rows[0], 1)
    differences = []
    for third in range(2):
        parts = [lungs.density[hull & (thirds == third)] for hull in lungs.hulls]
        if all(part.size for part in parts):
            differences.append(abs(parts[0].mean() - parts[1].mean()))
    return max(differences, default=np.nan)


def focal_opacity(lungs: Lungs) -> float:
    """98th percentile of the density less that of the darkest lung to be met in three of the four directions.

    Fluid has no air below it, heart and chest wall none beside them, so they do not count.
    """
    smooth = ndimage.gaussian_filter(lungs.density, 2.5)
    aside = np.abs(COLUMNS - sum(lungs.walls) / 2) > 0.16 * lungs.width
    found = [np.zeros(1)]
    for lung, hull in zip(lungs.sides, lungs.hulls, strict=True):
        air = np.where(lung, smooth, np.inf)
        met = [np.minimum.accumulate(air, axis=axis) for axis in (0, 1)]
        met += [np.flip(np.minimum.accumulate(np.flip(air, axis), axis=axis), axis) for axis in (0, 1)]
        low, high = zip(*((np.minimum(*pair), np.maximum(*pair)) for pair in (met[:2], met[2:])), strict=True)
        third = np.maximum(np.minimum(*high), np.maximum(*low))
        deep = ndimage.distance_transform_edt(np.pad(hull, 1))[1:-1, 1:-1] > 4
        found.append(np.where(np.isfinite(third), smooth - third, 0.0)[deep & aside])
    return float(np.percentile(np.concatenate(found), 98))


BIOMARKERS = Biomarkers("chest_xray", MEASURES, STRUCTURES, measure)
