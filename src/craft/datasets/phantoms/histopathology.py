"""Phantom of histopathology: one haematoxylin and eosin tile of glandular or squamous tissue.

Lobes (glands or nests) are level sets of one distance-like field: lumen inside, epithelium around it, stroma outside.
Nuclei are spread over the epithelium, stains are mixed as optical densities after Beer and Lambert.
"""

from dataclasses import dataclass
from math import cos, log, pi, sin, sqrt

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
    "count": ((31.0, 4.0), (27.0, 39.0, 28.0)),
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


def render(a: Tissue, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render the tile; returns uint8 of shape (size, size, 3)."""
    x, y = grid(size)
    soft = max(1.6 / size, 0.034)
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
    clear = pearl_radius + 0.3 * a.nuclear_size if a.keratin_share else 0.0
    blocked = np.maximum(clear - np.hypot(*(sites - pearl).T), 0.0)

    half = 0.5 * a.nuclear_size
    basal = outer - 0.012 - 1.15 * half
    low = max(inner + half, basal - 0.014 - (1.0 - a.polarity) * 0.9 * (basal - inner), -1.0)
    outside = np.maximum(np.maximum(low - depth, depth - basal - 0.012), 0.0)
    nuclei = spread_points(a.nuclear_count, outside + 3.0 * blocked, sites, rng)
    spacing = sqrt(max(np.mean(outside <= 0.0), 0.05) / a.nuclear_count)
    push = rng.uniform(-1.0, 1.0, nuclei.shape) * (0.05 + 0.5 * a.crowding) * spacing
    nuclei = nuclei + np.clip(push, -a.nuclear_size, a.nuclear_size).astype(np.float32)
    # Nuclei move to the basal row as far as polarity goes, and never into the lumen or the stroma.
    field, outward = lobes.slope(nuclei)
    goal = field + (basal - field) * a.polarity**2 if a.gland_share else field
    goal = np.clip(goal, inner + 0.8 * half, outer - 0.5 * half)
    nuclei = (nuclei + outward * (goal - field)[:, None]).astype(np.float32)
    deviate = rng.standard_normal(a.nuclear_count)
    deviate = np.clip((deviate - deviate.mean()) / deviate.std(), -1.7, 2.2)
    wobble = rng.uniform(0.0, 1.0, (3, a.nuclear_count))
    radii = half * (1.0 + a.pleomorphism * deviate)
    shape = 1.05 + (0.13 + 0.06 * a.polarity) * wobble[0] + 0.35 * a.pleomorphism * wobble[1]
    angle = np.arctan2(outward[:, 1], outward[:, 0]) + pi * (wobble[2] - 0.5) * (1.0 - a.polarity)
    if a.keratin_share:
        rim = nuclei - pearl
        flat = np.clip(2.0 - np.hypot(*rim.T) / (pearl_radius + 0.03), 0.0, 1.0)
        angle = np.where(flat > 0.5, np.arctan2(rim[:, 1], rim[:, 0]) + pi / 2, angle)
        shape = shape + 0.3 * (flat > 0.5)
    strength = (0.31 + 0.28 * a.hyperchromasia) * (1.0 + 0.6 * a.pleomorphism * (rng.uniform(-1.0, 1.0, len(radii))))
    chromatin = stamp(size, nuclei, radii, shape, angle, strength, rng)

    margin = np.maximum(np.abs(sites).max(axis=1) - 0.47, 0.0)
    spindles = spread_points(a.stromal_count, np.maximum(outer + 0.025 - depth, margin), sites, rng, on_site=True)
    thin, lean = rng.uniform(1.1, 1.75, a.stromal_count), rng.uniform(-0.35, 0.35, a.stromal_count) + a.orientation
    small = rng.uniform(0.017, 0.022, a.stromal_count)
    chromatin = np.maximum(chromatin, stamp(size, spindles, small, thin, lean, np.full(a.stromal_count, 0.4), rng))

    level = lobes(x, y)
    tissue = coverage(inner - level, soft)
    epithelium = tissue * coverage(level - outer, soft)
    along = cos(a.orientation) * x + sin(a.orientation) * y
    across = cos(a.orientation) * y - sin(a.orientation) * x
    w = lobes.wave
    bend = across + 0.030 * np.sin(9 * along + w[0]) + 0.012 * np.sin(21 * along + 11 * across + w[1])
    patchy = 0.5 + 0.5 * np.sin(9 * along - 13 * across + w[3]) * np.sin(12 * along + 7 * across + w[0])
    fibre = np.sin(57 * bend + w[2]) * patchy + np.sin(33 * bend + 6 * along + w[1]) * (1.0 - patchy)
    eosin = 0.26 + 0.05 * a.fibres * fibre + 0.03 * (patchy - 0.5)
    blue = np.full_like(eosin, 0.02)
    # Cytoplasm of malignant glands is amphophilic, of squamous cells densely eosinophilic, of mucous cells pale.
    eosin += epithelium * (0.22 + 0.16 * a.cell_borders - eosin)
    blue += epithelium * (0.03 + (0.04 + 0.06 * a.hyperchromasia) * (1.0 - a.cell_borders))
    if a.gland_share:
        apical = np.clip(1.0 - (level - inner) / (0.6 * a.epithelium_thickness), 0.0, 1.0)
        eosin *= 1.0 - 0.6 * a.mucin * epithelium * apical
        blue *= 1.0 - 0.6 * a.mucin * epithelium * apical
    if a.cell_borders:
        edge = coverage(cell_edges(x, y, nuclei) - 0.008, soft)
        eosin *= 1.0 - 0.45 * a.cell_borders * epithelium * edge
    eosin, blue = 0.04 + (eosin - 0.04) * tissue, blue * tissue
    if a.keratin_share:
        dx, dy = x - pearl[0], y - pearl[1]
        theta, far = np.arctan2(dy, dx), np.hypot(dx, dy)
        far = far * (1.0 + 0.12 * np.cos(2 * theta + w[0]) + 0.06 * np.cos(3 * theta + w[1]))
        crumple = 0.9 * np.sin(theta + w[2]) + 1.1 * np.sin(24 * dx + w[3]) * np.sin(23 * dy)
        whorl = np.cos(2 * pi * far / 0.060 + crumple)
        plug = coverage(far - pearl_radius, soft)
        eosin += 0.12 * epithelium * coverage(far - pearl_radius - 0.03, 0.12)
        eosin += plug * (0.46 + 0.12 * whorl - eosin)
        blue *= 1.0 - plug
    blue = blue + chromatin
    pink = a.warmth * WARM_EOSIN + (1.0 - a.warmth) * EOSIN
    density = np.stack([a.haematoxylin * blue, a.eosin * eosin], axis=-1) @ np.stack([HAEMATOXYLIN, pink])
    canvas = a.exposure * 0.95 * np.exp(-log(10.0) * density)
    return finish(canvas, 0.005, rng)


def graded(value: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    """Words for an attribute; between `low` and `high` the labels overlap."""
    return words[0] if value < low else words[1] if value < high else words[2]


def describe(a: Tissue, rng: np.random.Generator) -> str:
    """Write the detailed caption: the label and up to four signs, one of them often an absent one."""
    seen = [
        graded(1 - a.polarity, 0.34, 0.62, ("nuclei in an even basal row", "partly basal nuclei", "disordered nuclei")),
        graded(a.pleomorphism, 0.15, 0.24, ("uniform nuclei", "mildly pleomorphic nuclei", "pleomorphic nuclei")),
        graded(a.hyperchromasia, 0.34, 0.55, ("pale nuclei", "moderately dark nuclei", "dark hyperchromatic nuclei")),
        graded(a.crowding, 0.32, 0.55, ("evenly spaced nuclei", "mildly crowded nuclei", "crowded overlapping nuclei")),
    ]
    missing = []
    if a.gland_share:
        names = ("round regular glands", "mildly irregular glands", "irregular fused glands")
        shape = graded(a.gland_irregularity, 0.30, 0.52, names)
        seen.append(shape if a.lobes > 2 else shape.replace("fused ", ""))
        seen.append("small pale lumina" if a.gland_share < 0.06 else "open pale lumina")
        missing.append("no solid nests")
    else:
        seen.append("solid nests")
        missing.append("no gland lumina")
    if a.gland_share and a.mucin > 0.55:
        seen.append("pale mucin around the lumina")
    elif not a.gland_share or a.mucin < 0.2:
        missing.append("no mucin")
    for value, clear, faint, strong, none in (
        (a.keratin_share, 0.035, "a small keratin pearl", "a keratin pearl", "no keratin pearl"),
        (a.cell_borders, 0.45, "faint cell borders", "polygonal pink cells", "no polygonal pink cells"),
    ):
        (seen if value else missing).append(strong if value > clear else faint if value else none)
    chosen = [str(sign) for sign in rng.permutation(seen)[: rng.integers(2, 5)]]
    if missing and rng.random() < 0.5:
        chosen[-1] = str(rng.choice(missing))
    signs = [str(sign) for sign in rng.permutation(chosen)]
    start = rng.choice(("histopathology of", "a histopathology image of", "an h&e stained tile of"))
    opening = f"{start} {NAMES[a.label]}"
    while len(", ".join([opening, *signs]).split()) > MOST_WORDS:
        signs.pop()
    return ", ".join([opening, *signs])


MODALITY = Modality(
    name="histopathology",
    labels=tuple(NAMES),
    coarse_captions=(
        "a histopathology image of tissue",
        "histopathology, haematoxylin and eosin stain",
        "an h&e stained tile of tissue under the microscope",
        "a microscope photograph of a stained tissue section",
    ),
    draw=draw,
    render=render,
    describe=describe,
)
