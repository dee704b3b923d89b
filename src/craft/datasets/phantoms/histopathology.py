"""Phantom of histopathology: one haematoxylin and eosin tile of glandular or squamous tissue.

Lobes (glands or nests) are level sets of one distance-like field: lumen inside, epithelium around it, stroma outside.
Nuclei are spread over the epithelium, stains are mixed as optical densities after Beer and Lambert.
"""

from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.canvas import coverage, finish, grid

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
    "count": ((31.0, 4.0), (27.0, 42.0, 29.0)),
    "keratin": ((0.008, 0.020), (-0.05, -0.03, 0.085)),
    "borders": ((0.34, 0.14), (0.00, 0.05, 0.85)),
    "mucin": ((0.38, 0.14), (0.75, 0.28, 0.02)),
}
MOST_WORDS = 28  # a caption of a modality is never longer
MOST_LOBES = 7
VISIBLE_SHARE = 0.02  # a smaller lumen or pearl is below ten pixels across at 64 px

# Optical densities of the stains in red, green and blue. Ruifrok & Johnston 2001; the warmer eosin is of Macenko et
# al. 2009, and laboratories lie between the two.
HAEMATOXYLIN = np.array((0.650, 0.704, 0.286), dtype=np.float32)
EOSIN = np.array((0.072, 0.990, 0.105), dtype=np.float32)
WARM_EOSIN = np.array((0.216, 0.801, 0.558), dtype=np.float32)


@dataclass(frozen=True)
class Tissue:
    """Drawn truth of one histopathology phantom; lengths in image sides, shares of the tile area.

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
    typical = float(rng.beta(2.2, 0.9))
    raw = {
        key: float(neutral + typical * (typicals[which] - neutral) + spread * rng.standard_normal())
        for key, ((neutral, spread), typicals) in PROFILES.items()
    }

    def within(key: str, low: float, high: float) -> float:
        return min(max(raw[key], low), high)

    def visible(key: str, floor: float, high: float) -> float:
        return min(raw[key], high) if raw[key] >= floor else 0.0

    count, size = round(within("count", 14, 56)), within("size", 0.044, 0.074)
    return Tissue(
        label=label,
        lobes=round(within("lobes", 1, MOST_LOBES)),
        gland_share=visible("lumen", VISIBLE_SHARE, 0.32),
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
        stromal_count=int(rng.integers(4, 10)),
        keratin_share=visible("keratin", VISIBLE_SHARE, 0.16),
        cell_borders=visible("borders", 0.15, 1.0),
        mucin=within("mucin", 0.0, 1.0),
        fibres=float(rng.uniform(0.3, 1.0)),
        orientation=float(rng.uniform(0.0, pi)),
        haematoxylin=float(rng.normal(1.0, 0.08)),
        eosin=float(rng.normal(1.0, 0.12)),
        warmth=float(rng.uniform(0.25, 0.85)),
        exposure=float(rng.normal(1.0, 0.02)),
    )


class Lobes:
    """The field whose level sets are lumina, epithelium and stroma: distance to the nearest lobe centre."""

    def __init__(self, a: Tissue, rng: np.random.Generator):
        turn, offset = rng.uniform(0.0, 2 * pi), rng.uniform(-0.10, 0.10, 2)
        jitter = rng.uniform(-0.06, 0.06, (MOST_LOBES, 2))
        spread, angle = rng.uniform(-1.0, 1.0, MOST_LOBES), rng.uniform(0.0, pi, MOST_LOBES)
        phase = rng.uniform(0.0, 2 * pi, (3, MOST_LOBES))
        self.wave = rng.uniform(0.0, 2 * pi, 4).tolist()
        n = a.lobes
        ring = n - 1 if n >= 5 else n
        around = turn + 2 * pi * np.arange(ring) / ring
        reach = (0.0, 0.30, 0.35, 0.37, 0.36, 0.36, 0.37)[n - 1]
        centres = reach * np.stack([np.cos(around), np.sin(around)], axis=1)
        if ring < n:
            centres = np.concatenate([centres, np.zeros((1, 2))])
        self.centres = (centres + offset + jitter[:n]).astype(np.float32)
        self.bonus = ((0.02 + 0.04 * a.gland_irregularity) * spread[:n]).astype(np.float32)
        stretch = np.sqrt(1.05 + 0.25 * np.abs(spread[::-1][:n]) + 0.5 * a.gland_irregularity)
        self.rows = np.stack([np.cos(angle[:n]), np.sin(angle[:n])]).astype(np.float32)
        self.stretch = stretch.astype(np.float32)
        self.phase = phase[:, :n].astype(np.float32)
        self.irregularity = a.gland_irregularity

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The field at coordinates of any one shape."""
        w, bend = self.wave, 0.008 + 0.02 * self.irregularity
        x, y = x + bend * np.sin(13 * y + w[0] + 5 * x), y + bend * np.sin(14 * x + w[1] - 4 * y)
        best = np.full(np.shape(x), np.inf, dtype=np.float32)
        for k in range(len(self.centres)):
            dx, dy = x - self.centres[k, 0], y - self.centres[k, 1]
            c, s = self.rows[:, k]
            u, v = (c * dx + s * dy) / self.stretch[k], (c * dy - s * dx) * self.stretch[k]
            theta = np.arctan2(v, u)
            ripple = 0.12 * np.cos(3 * theta + self.phase[0, k]) + 0.09 * np.cos(4 * theta + self.phase[1, k])
            ripple += 0.06 * np.cos(6 * theta + self.phase[2, k])
            np.minimum(best, np.hypot(u, v) * (1.0 + 1.1 * self.irregularity * ripple) - self.bonus[k], out=best)
        return best

    def outward(self, points: np.ndarray) -> np.ndarray:
        """Unit direction in which the field grows, at points of shape (n, 2)."""
        x, y, step = points[:, 0], points[:, 1], 0.005
        rise = np.stack([self(x + step, y) - self(x - step, y), self(x, y + step) - self(x, y - step)], axis=1)
        return rise / np.maximum(np.linalg.norm(rise, axis=1, keepdims=True), 1e-6)


def spread_points(number: int, penalty: np.ndarray, sites: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spread `number` points evenly over the sites (m, 2) without penalty (m,), or those with the least."""
    order = np.argsort(penalty + 1e-4 * rng.random(len(sites)))
    free = sites[order[: max(int(np.sum(penalty <= 0.0)), 3 * number)]]
    points = free[rng.permutation(len(free))[:number]]
    for _ in range(7):
        far = ((free[:, None, :] - points[None]) ** 2).sum(axis=2)
        nearest = far.argmin(axis=1)
        weight = np.maximum(np.bincount(nearest, minlength=number), 1)
        points = np.stack([np.bincount(nearest, free[:, k], number) / weight for k in (0, 1)], axis=1)
        points = points.astype(np.float32)
    return points


def stamp(size: int, points, radii, shape, angle, strength, rng: np.random.Generator) -> np.ndarray:
    """Stain of nuclei, shape (size, size): ellipses with half-axes radii * shape and radii / shape; the darkest wins.

    All arguments but `size` are arrays over the nuclei; their outlines get a dent that grows with `shape`.
    """
    phase = rng.uniform(0.0, 2 * pi, len(points))[:, None, None]
    reach = int(np.ceil(size * float(np.max(radii * shape)) + 1.5))
    step = np.arange(-reach, reach + 1)
    base = np.floor((points + 0.5) * size).astype(int)
    column, row = base[:, :1] + step, base[:, 1:] + step
    dx = ((column + 0.5) / size - 0.5 - points[:, :1])[:, None, :]
    dy = ((row + 0.5) / size - 0.5 - points[:, 1:])[:, :, None]
    c, s = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    r, e = radii[:, None, None], shape[:, None, None]
    u, v = (c * dx + s * dy) / e, (c * dy - s * dx) * e
    dent = 1.0 + 0.35 * (e - 1.0) * np.cos(3 * np.arctan2(v, u) + phase)
    far = np.hypot(u, v) - r * dent
    stain = coverage(far, max(1.6 / size, 0.014)) * (0.86 + 0.14 * np.clip(-far / r, 0, 1)) * strength[:, None, None]
    inside = ((column >= 0) & (column < size))[:, None, :] & ((row >= 0) & (row < size))[:, :, None]
    flat = row[:, :, None] * size + column[:, None, :]
    image = np.zeros(size * size, dtype=np.float32)
    np.maximum.at(image, flat[inside], stain[inside].astype(np.float32))
    return image.reshape(size, size)
