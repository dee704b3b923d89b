"""Biomarkers of haematoxylin and eosin tiles: nuclei, glands, stroma, mucin and keratin.

How stains are unmixed and nuclei found stands in `craft.evaluation.biomarkers.tissue`. Lengths are in sides of the
tile, areas in shares of it, so the measures of tiles of different magnification do not compare.
"""

import numpy as np
from scipy import ndimage
from skimage.measure import label, regionprops, regionprops_table

from craft.evaluation.biomarkers.base import Biomarkers, Findings, Measure
from craft.evaluation.biomarkers.tissue import Tile, read_tile, shows_nuclei

LEAST_NUCLEUS = 0.0006  # area of the smallest nucleus
FEW = 5  # nuclei below which their sizes are not described
EPITHELIUM = 0.14  # height of the epithelium around a lumen
SCATTERED = EPITHELIUM / 12**0.5  # standard deviation of a height that is evenly spread over the epithelium

ROSS = "Histology: A Text and Atlas, Ross and Pawlina, 8th ed. 2018"
ROBBINS = "Robbins and Cotran Pathologic Basis of Disease, 10th ed. 2020"
NOTTINGHAM = "Nottingham grading of nuclear features, Elston and Ellis 1991"
THORACIC = "WHO Classification of Tumours, Thoracic Tumours, 5th ed. 2021"
DIGESTIVE = "WHO Classification of Tumours, Digestive System Tumours, 5th ed. 2019"
MEASURES = {
    "nuclear_count": Measure("nuclei in the tile", "1", NOTTINGHAM),
    "nuclear_size": Measure("diameter of a circle of the median nuclear area", "tile sides", NOTTINGHAM),
    "pleomorphism": Measure("coefficient of variation of the nuclear area", "1", NOTTINGHAM),
    "nuclear_share": Measure("share of the tile covered by nuclei: their crowding", "1", ROBBINS),
    "hyperchromasia": Measure("mean density of haematoxylin in the nuclei", "optical density", ROBBINS),
    "lumen_share": Measure("share of the tile that is pale: lumina, air or mucin", "1", ROSS),
    "lumen_count": Measure("separate pale spaces: lumina and goblet cells", "1", ROSS),
    "gland_irregularity": Measure("area of the pale spaces' dents, as a share of their convex hulls", "1", DIGESTIVE),
    "nuclear_spread": Measure(
        "standard deviation of the nuclei's distance to the next lumen, small where they stand in a row",
        "tile sides",
        ROBBINS,
    ),
    "mucin_paleness": Measure("how much less eosin lies next to lumina than elsewhere, as a share", "1", ROSS),
    "keratin_share": Measure("share of the tile with far more eosin than the rest of the tissue", "1", THORACIC),
    "cell_borders": Measure("contrast of thin pale lines between nuclei", "optical density", THORACIC),
    "stroma_share": Measure("share of the tile that is tissue away from nuclei, without haematoxylin", "1", ROSS),
}

STRUCTURES = {"nuclei": "round dots of haematoxylin with an edge, in tissue that holds less of it"}


def measure_nuclei(tile: Tile) -> dict[str, float]:
    """Count, size, variation, share and darkness of the nuclei."""
    table = regionprops_table(
        tile.nuclei, intensity_image=tile.haematoxylin, properties=("area", "intensity_mean", "label")
    )
    areas = table["area"] / tile.side**2
    large = areas > LEAST_NUCLEUS
    areas, stain = areas[large], table["intensity_mean"][large]
    values = {"nuclear_count": float(len(areas)), "nuclear_share": float((tile.nuclei > 0).mean())}
    if len(areas) < FEW:
        return values
    return values | {
        "nuclear_size": float(np.sqrt(4.0 * np.median(areas) / np.pi)),
        "pleomorphism": float(areas.std() / areas.mean()),
        "hyperchromasia": float((areas * stain).sum() / areas.sum()),
    }


def measure_lumina(tile: Tile, away: np.ndarray) -> dict[str, float]:
    """Pale spaces and the epithelium around them; `away` is the distance to the nearest nucleus (height, width).

    Without a lumen there is no row for nuclei to stand in: their spread is that of nuclei at all heights; nor is there
    mucin around it.
    """
    pale = tile.pale
    regions = regionprops(label(pale))
    values = {"lumen_share": float(pale.mean()), "lumen_count": float(len(regions))}
    if not regions:
        return values | {"nuclear_spread": SCATTERED, "mucin_paleness": 0.0}
    areas = np.array([region.area for region in regions])
    solid = np.array([region.solidity for region in regions])
    values["gland_irregularity"] = float(1.0 - (areas * solid).sum() / areas.sum())
    depth = tile.distance(pale)
    heights = depth[(tile.nuclei > 0) & (depth < EPITHELIUM)]
    if len(heights) > 20:
        values["nuclear_spread"] = float(heights.std())
    beside = (depth > 0.02) & (depth < 0.055) & (away > 0.01)
    rest = tile.tissue & (away > 0)
    if beside.sum() > 20 and (typical := np.median(tile.eosin[rest])) > 0.02:
        values["mucin_paleness"] = float(1.0 - np.median(tile.eosin[beside]) / typical)
    return values


def pale_lines(tile: Tile) -> np.ndarray:
    """Strength of thin lines with little eosin, in optical densities: the excess of the larger curvature."""
    sigma = 0.006 * tile.side
    yy, xx, xy = (
        ndimage.gaussian_filter(tile.eosin, sigma, order=order, truncate=3.0) for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, apart = 0.5 * (yy + xx), np.sqrt((0.5 * (yy - xx)) ** 2 + xy**2)
    return sigma * sigma * np.clip(middle + apart - np.abs(middle - apart), 0.0, None)


def find_keratin(tile: Tile, away: np.ndarray) -> np.ndarray:
    """Where the local mean of eosin, nuclei left out, exceeds that of the typical tissue by a third."""
    open_tissue = tile.tissue & (away > 0.012)
    weight = open_tissue.astype(np.float32)
    mean = tile.blur(tile.eosin * weight, 0.03) / np.maximum(tile.blur(weight, 0.03), 0.2)
    return open_tissue & (mean > 1.35 * np.median(tile.eosin[open_tissue])) if open_tissue.any() else open_tissue


def measure(image: np.ndarray) -> Findings:
    """Measure one tile; everything is NaN where there is no tissue, sizes are NaN where there are fewer than 5 nuclei.

    Args:
        image: uint8 of shape (height, width, 3), height and width at least 16.
    """
    values = dict.fromkeys(MEASURES, float("nan"))
    tile = read_tile(image)
    if tile is None:
        return Findings(values)
    away = tile.distance(tile.nuclei > 0)
    values |= measure_nuclei(tile) | measure_lumina(tile, away)
    keratin = find_keratin(tile, away)
    stroma = tile.tissue & (tile.blur(tile.haematoxylin, 0.02) < 0.06) & (away > 0.03)
    between = tile.tissue & (away > 0.015) & (away < 0.06) & (tile.distance(tile.pale) > 0.03)
    values["keratin_share"] = float(keratin.mean())
    values["stroma_share"] = float(stroma.mean())
    if between.sum() > 30:
        values["cell_borders"] = float(pale_lines(tile)[between].mean())
    edges = (tile.nuclei > 0) & ~parted(tile.nuclei)
    masks = {"nuclei": edges, "pale spaces": tile.pale, "keratin": keratin}
    return Findings(values, frozenset(STRUCTURES if shows_nuclei(tile) else ()), masks)


def parted(nuclei: np.ndarray) -> np.ndarray:
    """Pixels of a nucleus that touch another one, so that touching nuclei are seen apart."""
    highest = ndimage.maximum_filter(nuclei, 3)
    return (nuclei > 0) & (highest > nuclei)


BIOMARKERS = Biomarkers("histopathology", MEASURES, STRUCTURES, measure)
