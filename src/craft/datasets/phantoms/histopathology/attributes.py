"""What is drawn for one histopathology phantom, by label."""

from dataclasses import dataclass
from math import pi

import numpy as np

NAMES = {
    "benign": "benign glandular tissue",
    "adenocarcinoma": "adenocarcinoma",
    "squamous_carcinoma": "squamous cell carcinoma",
}
# Tissue that could carry any of the labels (mean, spread), then each label's typical tissue in the order of `NAMES`.
# A draw lies between the two, so the labels overlap where tiles are hard to tell apart.
PROFILES = {
    "lumen": ((0.075, 0.035), (0.17, 0.12, -0.05)),
    "lobes": ((2.8, 0.8), (1.9, 4.9, 2.7)),
    "irregularity": ((0.42, 0.12), (0.12, 0.80, 0.55)),
    "nest": ((0.50, 0.07), (0.30, 0.68, 0.68)),
    "polarity": ((0.48, 0.13), (0.92, 0.18, 0.12)),
    "size": ((0.055, 0.004), (0.050, 0.064, 0.062)),
    "pleomorphism": ((0.20, 0.05), (0.09, 0.34, 0.33)),
    "crowding": ((0.42, 0.12), (0.12, 0.80, 0.40)),
    "chromatin": ((0.46, 0.12), (0.20, 0.78, 0.66)),
    "count": ((31.0, 4.0), (27.0, 39.0, 28.0)),
    "keratin": ((0.008, 0.020), (-0.05, -0.03, 0.085)),
    "borders": ((0.34, 0.14), (0.00, 0.05, 0.85)),
    "mucin": ((0.38, 0.14), (0.75, 0.28, 0.02)),
}
MOST_LOBES = 7
VISIBLE_SHARE = 0.02  # a smaller lumen or pearl is below ten pixels across at 64 px


@dataclass(frozen=True)
class Tissue:
    """Drawn attributes of one histopathology phantom; lengths in image sides, shares of the tile area.

    Attributes:
        label: label key.
        lobes: number of glands, fused lumina or nests, 1 to 7.
        gland_share: lumen area, 0 if the growth is solid.
        gland_irregularity: of the outlines of lumina and nests, 0 to 1.
        epithelium_thickness: height of the epithelium around a lumen.
        nest_share: least area of epithelium and lumina; large values fuse the lobes.
        polarity: 1 all nuclei in one basal row, 0 nuclei anywhere in the epithelium.
        nuclear_count: number of epithelial nuclei.
        nuclear_density: area of the epithelial nuclei, overlaps counted twice.
        nuclear_size: mean nuclear diameter.
        pleomorphism: coefficient of variation of the nuclear diameter; also unevenness of shape and stain.
        crowding: 0 evenly spaced nuclei, 1 clumped and overlapping.
        hyperchromasia: darkness of the nuclei, 0 to 1.
        stromal_count: number of nuclei in the stroma.
        keratin_share: area of the keratin pearl, 0 if absent.
        cell_borders: visibility of polygonal pink cells, 0 if absent.
        mucin: paleness of the cytoplasm next to the lumen, 0 to 1.
        fibres: contrast of the stromal fibres, 0 to 1.
        orientation: direction of the fibres, radians.
        haematoxylin, eosin: strength of the stains, about 1.
        warmth: 0 magenta eosin, 1 orange-pink eosin.
        exposure: brightness of the tile, about 1.
    """

    label: str
    lobes: int
    gland_share: float
    gland_irregularity: float
    epithelium_thickness: float
    nest_share: float
    polarity: float
    nuclear_count: int
    nuclear_density: float
    nuclear_size: float
    pleomorphism: float
    crowding: float
    hyperchromasia: float
    stromal_count: int
    keratin_share: float
    cell_borders: float
    mucin: float
    fibres: float
    orientation: float
    haematoxylin: float
    eosin: float
    warmth: float
    exposure: float


def draw(label: str, rng: np.random.Generator) -> Tissue:
    """Draw the attributes of one tile."""
    which = list(NAMES).index(label)
    typical = float(rng.beta(2.0, 1.0))
    raw = {
        key: float(neutral + typical * (typicals[which] - neutral) + spread * rng.standard_normal())
        for key, ((neutral, spread), typicals) in PROFILES.items()
    }

    def within(key: str, low: float, high: float) -> float:
        return min(max(raw[key], low), high)

    def visible(key: str, floor: float, high: float) -> float:
        return min(raw[key], high) if raw[key] >= floor else 0.0

    keratin, lumen = visible("keratin", VISIBLE_SHARE, 0.16), visible("lumen", VISIBLE_SHARE, 0.32)
    # Keratin forms in solid nests: next to a wide lumen there is none, next to a slit there is no lumen.
    keratin, lumen = (0.0, lumen) if lumen > 0.06 else (keratin, 0.0 if keratin else lumen)
    count, size = round(within("count", 18, 56)), within("size", 0.044, 0.074)
    return Tissue(
        label=label,
        lobes=round(within("lobes", 1, MOST_LOBES)),
        gland_share=lumen,
        gland_irregularity=within("irregularity", 0.0, 1.0),
        epithelium_thickness=float(rng.uniform(0.095, 0.125)),
        nest_share=within("nest", 0.2, 0.85),
        polarity=within("polarity", 0.0, 1.0),
        nuclear_count=count,
        nuclear_density=count * pi / 4 * size**2,
        nuclear_size=size,
        pleomorphism=within("pleomorphism", 0.04, 0.45),
        crowding=within("crowding", 0.0, 1.0),
        hyperchromasia=within("chromatin", 0.0, 1.0),
        stromal_count=int(rng.integers(3, 7)),
        keratin_share=keratin,
        cell_borders=visible("borders", 0.15, 1.0),
        mucin=within("mucin", 0.0, 1.0),
        fibres=float(rng.uniform(0.3, 1.0)),
        orientation=float(rng.uniform(0.0, pi)),
        haematoxylin=float(rng.normal(1.0, 0.08)),
        eosin=float(rng.normal(1.0, 0.12)),
        warmth=float(rng.uniform(0.4, 1.0)),
        exposure=float(rng.normal(1.0, 0.02)),
    )
