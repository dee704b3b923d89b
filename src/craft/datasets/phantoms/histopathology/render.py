"""From drawn attributes to the image of a histopathology phantom."""

from dataclasses import dataclass
from math import cos, log, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.canvas import coverage, finish, grid
from craft.datasets.phantoms.histopathology.attributes import MOST_LOBES, Tissue

# Optical densities of the stains in red, green and blue. Ruifrok & Johnston 2001; the warmer eosin is of Macenko et
# al. 2009, and laboratories lie between the two.
HAEMATOXYLIN = np.array((0.650, 0.704, 0.286), dtype=np.float32)
EOSIN = np.array((0.072, 0.990, 0.105), dtype=np.float32)
WARM_EOSIN = np.array((0.216, 0.801, 0.558), dtype=np.float32)


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
        # Waves of three, four and six periods around a lobe.
        self.ripple = (np.array([[0.13], [0.10], [0.07]]) * np.exp(1j * phase[:, :n])).astype(np.complex64)
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
            far = np.sqrt(u * u + v * v) + np.float32(1e-6)
            once = (u + 1j * v) / far
            thrice = once * once * once
            one, two, three = self.ripple[:, k]
            ripple = (thrice * (one + two * once + three * thrice)).real
            np.minimum(best, far * (1.0 + self.irregularity * ripple) - self.bonus[k], out=best)
        return best

    def slope(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The field (n,) at points (n, 2) and the unit direction (n, 2) in which it grows."""
        step = np.array([[[0.0, 0.0]], [[0.004, 0.0]], [[0.0, 0.004]]], dtype=np.float32)
        level, right, down = self(*np.moveaxis(points + step, 2, 0))
        rise = np.stack([right - level, down - level], axis=1)
        return level, rise / np.maximum(np.linalg.norm(rise, axis=1, keepdims=True), 1e-6)


def spread_points(number: int, penalty, sites, rng: np.random.Generator, on_site: bool = False) -> np.ndarray:
    """Spread `number` points evenly over the sites (m, 2) without penalty (m,), or over those with the least.

    Evened out, a point may leave a curved band; `on_site` returns the site nearest to it instead.
    """
    order = np.argsort(penalty + 1e-4 * rng.random(len(sites)))
    free = sites[order[: max(int(np.sum(penalty <= 0.0)), 3 * number)]]
    free = free[rng.permutation(len(free))[:480]]
    # Farthest-point choice covers the sites, a few steps of k-means even it out.
    chosen, gap = [0], np.full(len(free), 9.0, dtype=np.float32)
    for _ in range(number - 1):
        away = free - free[chosen[-1]]
        np.minimum(gap, away[:, 0] ** 2 + away[:, 1] ** 2, out=gap)
        chosen.append(int(gap.argmax()))
    points = free[chosen]
    for _ in range(3):
        # The nearest point has the largest f.p - |p|^2 / 2.
        nearest = (free @ points.T - 0.5 * (points**2).sum(axis=1)).argmax(axis=1)
        members = np.bincount(nearest, minlength=number)
        sums = np.stack([np.bincount(nearest, free[:, k], number) for k in (0, 1)], axis=1)
        points = np.where(members[:, None] > 0, sums / np.maximum(members, 1)[:, None], points).astype(np.float32)
    return free[(free @ points.T - 0.5 * (free**2).sum(axis=1)[:, None]).argmax(axis=0)] if on_site else points


def stamp(size: int, points, radii, shape, angle, strength, rng: np.random.Generator) -> np.ndarray:
    """Stain of nuclei, shape (size, size): ellipses with half-axes radii * shape and radii / shape; the darkest wins.

    All arguments but `size` are arrays over the nuclei; their outlines get a dent that grows with `shape`.
    """
    side = rng.choice((-0.35, 0.35), len(points)).astype(np.float32)[:, None, None]
    reach = int(np.ceil(size * float(np.max(radii * shape)) + 1.5))
    step = np.arange(-reach, reach + 1)
    base = np.clip((points + 0.5) * size, 0, size - 1).astype(int)
    column, row = base[:, :1] + step, base[:, 1:] + step
    dx = ((column + 0.5) / size - 0.5 - points[:, :1]).astype(np.float32)[:, None, :]
    dy = ((row + 0.5) / size - 0.5 - points[:, 1:]).astype(np.float32)[:, :, None]
    columns = (np.cos(angle), np.sin(angle), radii, shape, strength)
    c, s, r, e, strong = (values.astype(np.float32)[:, None, None] for values in columns)
    u, v = (c * dx + s * dy) / e, (c * dy - s * dx) * e
    far = np.sqrt(u * u + v * v) + np.float32(1e-6)
    cosine = u / far
    far = far - r * (1.0 + side * (e - 1.0) * cosine * (4.0 * cosine * cosine - 3.0))
    stain = coverage(far, max(1.6 / size, 0.030)) * (0.86 + 0.14 * np.clip(-far / r, 0, 1)) * strong
    # A margin as wide as a window takes what lies outside the tile.
    wide = size + 2 * reach
    flat = (row[:, :, None] + reach) * wide + column[:, None, :] + reach
    image = np.zeros(wide * wide, dtype=np.float32)
    np.maximum.at(image, flat.ravel(), stain.ravel())
    return image.reshape(wide, wide)[reach : reach + size, reach : reach + size]


def cell_edges(x, y, points: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the nearest edge between the cells of the nuclei at points (n, 2)."""
    first, second = np.full((2, *x.shape), 4.0, dtype=np.float32)
    for px, py in points.tolist():
        far = (x - px) ** 2 + (y - py) ** 2
        np.minimum(second, np.maximum(first, far), out=second)
        np.minimum(first, far, out=first)
    return 0.5 * (np.sqrt(second) - np.sqrt(first))


@dataclass(frozen=True)
class Layout:
    """Where things lie in one tile.

    Attributes:
        lobes: the field whose level sets are lumen, epithelium and stroma.
        sites: candidate places of nuclei, shape (n, 2).
        depth: level of the field at the sites, shape (n,).
        inner: level at which the lumen ends.
        outer: level at which the epithelium ends.
        pearl: centre of the keratin pearl.
        pearl_radius: its radius; 0 where there is none.
    """

    lobes: Lobes
    sites: np.ndarray
    depth: np.ndarray
    inner: float
    outer: float
    pearl: np.ndarray
    pearl_radius: float

    @classmethod
    def draw(cls, a: Tissue, rng: np.random.Generator) -> "Layout":
        """Lay out a tile with these attributes."""
        lobes = Lobes(a, rng)
        cells = np.stack(grid(40), axis=-1).reshape(-1, 2)
        sites = (cells + rng.uniform(-0.4, 0.4, cells.shape) / 40).astype(np.float32)
        depth = lobes(sites[:, 0], sites[:, 1])
        ranked = np.sort(depth)
        inner = float(ranked[int(a.gland_share * len(ranked))]) if a.gland_share else float(ranked[0]) - 1.0
        outer = max(inner + a.epithelium_thickness, float(ranked[int(a.nest_share * len(ranked))]))
        # The pearl lies at the most central site that leaves room for it inside the tile.
        pearl_radius = sqrt(a.keratin_share / pi)
        room = np.abs(sites).max(axis=1) + 0.75 * pearl_radius < 0.5
        pearl = sites[np.argmin(np.where(room, depth, np.inf))]
        return cls(lobes, sites, depth, inner, outer, pearl, pearl_radius)


def place_nuclei(a: Tissue, where: Layout, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the epithelial nuclei and the directions away from the lumen, both of shape (n, 2)."""
    half, depth = 0.5 * a.nuclear_size, where.depth
    clear = where.pearl_radius + 0.3 * a.nuclear_size if a.keratin_share else 0.0
    blocked = np.maximum(clear - np.hypot(*(where.sites - where.pearl).T), 0.0)
    basal = where.outer - 0.012 - 1.15 * half
    low = max(where.inner + half, basal - 0.014 - (1.0 - a.polarity) * 0.9 * (basal - where.inner), -1.0)
    outside = np.maximum(np.maximum(low - depth, depth - basal - 0.012), 0.0)
    nuclei = spread_points(a.nuclear_count, outside + 3.0 * blocked, where.sites, rng)
    spacing = sqrt(max(np.mean(outside <= 0.0), 0.05) / a.nuclear_count)
    push = rng.uniform(-1.0, 1.0, nuclei.shape) * (0.05 + 0.5 * a.crowding) * spacing
    nuclei = nuclei + np.clip(push, -a.nuclear_size, a.nuclear_size).astype(np.float32)
    # Nuclei move to the basal row as far as polarity goes, and never into the lumen or the stroma.
    field, outward = where.lobes.slope(nuclei)
    goal = field + (basal - field) * a.polarity**2 if a.gland_share else field
    goal = np.clip(goal, where.inner + 0.8 * half, where.outer - 0.5 * half)
    return (nuclei + outward * (goal - field)[:, None]).astype(np.float32), outward


def stamp_nuclei(a: Tissue, where: Layout, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The epithelial nuclei's chromatin, shape (size, size), and their centres, shape (n, 2)."""
    nuclei, outward = place_nuclei(a, where, rng)
    deviate = rng.standard_normal(a.nuclear_count)
    deviate = np.clip((deviate - deviate.mean()) / deviate.std(), -1.7, 2.2)
    wobble = rng.uniform(0.0, 1.0, (3, a.nuclear_count))
    radii = 0.5 * a.nuclear_size * (1.0 + a.pleomorphism * deviate)
    shape = 1.05 + (0.13 + 0.06 * a.polarity) * wobble[0] + 0.35 * a.pleomorphism * wobble[1]
    angle = np.arctan2(outward[:, 1], outward[:, 0]) + pi * (wobble[2] - 0.5) * (1.0 - a.polarity)
    if a.keratin_share:
        rim = nuclei - where.pearl
        flat = np.clip(2.0 - np.hypot(*rim.T) / (where.pearl_radius + 0.03), 0.0, 1.0)
        angle = np.where(flat > 0.5, np.arctan2(rim[:, 1], rim[:, 0]) + pi / 2, angle)
        shape = shape + 0.3 * (flat > 0.5)
    strength = (0.31 + 0.28 * a.hyperchromasia) * (1.0 + 0.6 * a.pleomorphism * (rng.uniform(-1.0, 1.0, len(radii))))
    return stamp(size, nuclei, radii, shape, angle, strength, rng), nuclei


def stamp_stroma(a: Tissue, where: Layout, size: int, rng: np.random.Generator) -> np.ndarray:
    """The chromatin of the spindle-shaped nuclei between the glands, shape (size, size)."""
    margin = np.maximum(np.abs(where.sites).max(axis=1) - 0.47, 0.0)
    penalty = np.maximum(where.outer + 0.025 - where.depth, margin)
    spindles = spread_points(a.stromal_count, penalty, where.sites, rng, on_site=True)
    thin, lean = rng.uniform(1.1, 1.75, a.stromal_count), rng.uniform(-0.35, 0.35, a.stromal_count) + a.orientation
    small = rng.uniform(0.017, 0.022, a.stromal_count)
    return stamp(size, spindles, small, thin, lean, np.full(a.stromal_count, 0.4), rng)


def stain_stroma(a: Tissue, x, y, wave) -> np.ndarray:
    """Eosin of the fibres, shape (size, size)."""
    along = cos(a.orientation) * x + sin(a.orientation) * y
    across = cos(a.orientation) * y - sin(a.orientation) * x
    bend = across + 0.030 * np.sin(9 * along + wave[0]) + 0.012 * np.sin(21 * along + 11 * across + wave[1])
    patchy = 0.5 + 0.5 * np.sin(9 * along - 13 * across + wave[3]) * np.sin(12 * along + 7 * across + wave[0])
    fibre = np.sin(57 * bend + wave[2]) * patchy + np.sin(33 * bend + 6 * along + wave[1]) * (1.0 - patchy)
    return 0.26 + 0.05 * a.fibres * fibre + 0.03 * (patchy - 0.5)


def stain(a: Tissue, where: Layout, nuclei: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Eosin and haematoxylin of all but the nuclei, both of shape (size, size)."""
    x, y = grid(size)
    soft, level = max(1.6 / size, 0.034), where.lobes(x, y)
    tissue = coverage(where.inner - level, soft)
    epithelium = tissue * coverage(level - where.outer, soft)
    eosin = stain_stroma(a, x, y, where.lobes.wave)
    blue = np.full_like(eosin, 0.02)
    # Cytoplasm of malignant glands is amphophilic, of squamous cells densely eosinophilic, of mucous cells pale.
    eosin += epithelium * (0.22 + 0.16 * a.cell_borders - eosin)
    blue += epithelium * (0.03 + (0.04 + 0.06 * a.hyperchromasia) * (1.0 - a.cell_borders))
    if a.gland_share:
        apical = np.clip(1.0 - (level - where.inner) / (0.6 * a.epithelium_thickness), 0.0, 1.0)
        eosin *= 1.0 - 0.6 * a.mucin * epithelium * apical
        blue *= 1.0 - 0.6 * a.mucin * epithelium * apical
    if a.cell_borders:
        edge = coverage(cell_edges(x, y, nuclei) - 0.008, soft)
        eosin *= 1.0 - 0.45 * a.cell_borders * epithelium * edge
    eosin, blue = 0.04 + (eosin - 0.04) * tissue, blue * tissue
    if a.keratin_share:
        add_pearl(where, x, y, soft, epithelium, eosin, blue)
    return eosin, blue


def add_pearl(where: Layout, x, y, soft: float, epithelium, eosin, blue) -> None:
    """Lay the whorls of a keratin pearl into eosin and haematoxylin."""
    w = where.lobes.wave
    dx, dy = x - where.pearl[0], y - where.pearl[1]
    theta, far = np.arctan2(dy, dx), np.hypot(dx, dy)
    far = far * (1.0 + 0.12 * np.cos(2 * theta + w[0]) + 0.06 * np.cos(3 * theta + w[1]))
    crumple = 0.9 * np.sin(theta + w[2]) + 1.1 * np.sin(24 * dx + w[3]) * np.sin(23 * dy)
    whorl = np.cos(2 * pi * far / 0.060 + crumple)
    plug = coverage(far - where.pearl_radius, soft)
    eosin += 0.12 * epithelium * coverage(far - where.pearl_radius - 0.03, 0.12)
    eosin += plug * (0.46 + 0.12 * whorl - eosin)
    blue *= 1.0 - plug


def render(a: Tissue, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render the tile; returns uint8 of shape (size, size, 3)."""
    where = Layout.draw(a, rng)
    chromatin, nuclei = stamp_nuclei(a, where, size, rng)
    chromatin = np.maximum(chromatin, stamp_stroma(a, where, size, rng))
    eosin, blue = stain(a, where, nuclei, size)
    blue = blue + chromatin
    pink = a.warmth * WARM_EOSIN + (1.0 - a.warmth) * EOSIN
    density = np.stack([a.haematoxylin * blue, a.eosin * eosin], axis=-1) @ np.stack([HAEMATOXYLIN, pink])
    canvas = a.exposure * 0.95 * np.exp(-log(10.0) * density)
    return finish(canvas, 0.005, rng)
