"""From drawn attributes to the image of a fundus phantom."""

from math import cos, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.canvas import coverage, ellipse, finish, grid, paint
from craft.datasets.phantoms.fundus.attributes import FundusAttributes

FOVEA = np.array([0.31, 0.03])
ARCADES = np.array(
    [
        [[-0.015, -0.01], [0.00, -0.19], [0.17, -0.33], [0.56, -0.19]],
        [[-0.015, 0.01], [0.00, 0.19], [0.17, 0.35], [0.56, 0.24]],
        [[-0.015, -0.01], [-0.04, -0.13], [-0.10, -0.22], [-0.21, -0.38]],
        [[-0.015, 0.01], [-0.04, 0.13], [-0.10, 0.22], [-0.21, 0.38]],
    ]
)
# Branches: parent arcade, position along it and end point; the first two run towards the macula, the rest outwards.
PARENTS = np.array([0, 1, 0, 1, 0, 1, 2, 3])
FORKS = np.array([0.50, 0.48, 0.38, 0.36, 0.72, 0.70, 0.45, 0.45])
TIPS = np.array(
    [
        [0.26, -0.09],
        [0.25, 0.14],
        [0.17, -0.46],
        [0.16, 0.46],
        [0.55, -0.36],
        [0.54, 0.40],
        [-0.30, -0.14],
        [-0.30, 0.16],
    ]
)
STEPS = np.linspace(0.0, 1.0, 13)
FUNDUS = np.array([[0.93, 0.53, 0.27], [0.76, 0.37, 0.17], [0.52, 0.24, 0.13]], dtype=np.float32)
ARTERY, VEIN = np.array([0.90, 0.68, 0.68]), np.array([0.75, 0.49, 0.54])
BLOOD, POOLED = np.array([0.42, 0.17, 0.24]), np.array([0.36, 0.12, 0.18])
TUFT, LOOPS = np.array([0.93, 0.50, 0.50]), np.array([0.66, 0.20, 0.26])
SENSOR_NOISE, FINEST = 0.006, 0.0094


def capsules(size: int, starts, ends, radii, softness: float) -> np.ndarray:
    """Union of anti-aliased capsules (n, 2), (n, 2), (n,): opacity in [0, 1] of shape (size, size).

    Every capsule is evaluated in a window just large enough for the longest one, so keep them of similar length.
    """
    starts, ends = np.asarray(starts, dtype=np.float32), np.asarray(ends, dtype=np.float32)
    radii = np.broadcast_to(np.asarray(radii, dtype=np.float32), len(starts))
    edge = ends - starts
    squared = np.maximum((edge**2).sum(axis=1), 1e-12)
    half = 0.5 * sqrt(squared.max()) + radii.max() + 0.5 * softness
    reach = int(half * size + 0.5)
    window = np.arange(-reach, reach + 1)
    centre = np.floor((0.5 * (starts + ends) + 0.5) * size).astype(int)
    column, row = centre[:, :1] + window, centre[:, 1:] + window
    dx = ((column + 0.5) / size - 0.5).astype(np.float32) - starts[:, :1]
    dy = ((row + 0.5) / size - 0.5).astype(np.float32) - starts[:, 1:]
    # |p - t e|^2 = |p|^2 - t (2 p.e - t |e|^2): one full-window product fewer than the two components.
    along = (dx * edge[:, :1])[:, None, :] + (dy * edge[:, 1:])[:, :, None]
    squared = squared[:, None, None]
    t = np.minimum(np.maximum(along / squared, 0.0), 1.0)
    gap = (dx * dx)[:, None, :] + (dy * dy)[:, :, None] - t * (2.0 * along - t * squared)
    distance = np.sqrt(np.maximum(gap, 0.0)) - radii[:, None, None]
    wide = size + 2
    row, column = (np.minimum(np.maximum(index + 1, 0), size + 1) for index in (row, column))
    flat = (row * wide)[:, :, None] + column[:, None, :]
    layer = np.zeros(wide * wide, dtype=np.float32)
    np.maximum.at(layer, flat.ravel(), coverage(distance, softness).ravel())
    return layer.reshape(wide, wide)[1:-1, 1:-1]


def absorb(canvas: np.ndarray, transmission: np.ndarray, opacity: np.ndarray) -> None:
    """Multiply the canvas, in place, by the transmission colour where opacity is 1."""
    loss = (1.0 - transmission).astype(np.float32)[None]
    canvas *= 1.0 - (opacity.reshape(-1, 1) @ loss).reshape(canvas.shape)


def bernstein(t: np.ndarray) -> np.ndarray:
    """Weights (..., 4) of the control points of a cubic Bezier curve at parameters t (...)."""
    return np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3], axis=-1)


ALONG, AT_FORKS = bernstein(STEPS), bernstein(FORKS[:, None] + [0.0, 0.1])


def vessel_tree(rng: np.random.Generator, spread: float) -> np.ndarray:
    """Control points (12, 4, 2) in eye coordinates: four arcades and eight branches of one vessel kind."""
    arcades = ARCADES * [1.0, spread] + rng.normal(0.0, 0.014, ARCADES.shape) * [[[0.3], [1.0], [1.0], [1.0]]]
    root, ahead = (AT_FORKS @ arcades[PARENTS]).swapaxes(0, 1)
    run = TIPS + rng.normal(0.0, 0.03, TIPS.shape) - root
    bend = rng.normal(0.0, 0.012, TIPS.shape)
    branches = np.stack([root, root + 0.33 * run + 0.35 * (ahead - root), root + 0.7 * run + bend, root + run], axis=1)
    return np.concatenate([arcades, branches])


def add_vessels(canvas, drawn: FundusAttributes, softness: float, rng) -> np.ndarray:
    """Draw arteries, then veins; returns the venous arcades, image coordinates (4, 13, 2)."""
    for transmission, spread, width in ((ARTERY, 0.90, 0.0118), (VEIN, 1.03, 0.0150)):
        control = vessel_tree(rng, spread)
        points = ALONG @ control
        phase = rng.uniform(0.0, 6.28, (len(control), 1)) + STEPS * 12.0
        points[..., 1] += 0.010 * drawn.tortuosity * np.sin(phase) * STEPS
        points = drawn.to_image(points)
        branches = points[4 + rng.permutation(8)[:4], ::2]
        taper = width * (1.0 - 0.38 * STEPS[:-1])
        radii = np.concatenate([np.tile(taper, 4), np.tile(0.78 * taper[::2], len(branches))])
        starts = np.concatenate([points[:4, :-1].reshape(-1, 2), branches[:, :-1].reshape(-1, 2)])
        ends = np.concatenate([points[:4, 1:].reshape(-1, 2), branches[:, 1:].reshape(-1, 2)])
        radii = drawn.vessel_width * np.maximum(radii, FINEST)
        absorb(canvas, transmission, capsules(len(canvas), starts, ends, radii, softness))
    return points[:4]


def add_retina(size: int, drawn: FundusAttributes, rng) -> np.ndarray:
    """Background, macula, disc and cup: canvas of shape (size, size, 3)."""
    x, y = grid(size)
    darker = min(int(2.0 * drawn.pigmentation), 1)
    colour = FUNDUS[darker] + (2.0 * drawn.pigmentation - darker) * (FUNDUS[darker + 1] - FUNDUS[darker])
    colour *= drawn.exposure * np.array([1.0, 1.0 + 0.05 * drawn.warmth, 1.0 - 0.14 * drawn.warmth], dtype=np.float32)
    lean, amount = rng.uniform(0.0, 6.28), rng.uniform(0.0, 0.22)
    shade = 1.06 - 1.1 * (x * x + y * y) + amount * (cos(lean) * x + sin(lean) * y)
    for fast_x, fast_y, phase in (rng.normal(0.0, 1.0, (3, 3)) * [9.0, 9.0, 3.0]).tolist():
        shade += 0.016 * np.cos(fast_x * x + fast_y * y + phase)
    near_disc = np.exp(-((x - drawn.disc_x) ** 2 + (y - drawn.disc_y) ** 2) / 0.030)
    canvas = (shade + 0.13 * near_disc)[..., None] * colour
    fx, fy = drawn.to_image(FOVEA).tolist()
    radius = (x - fx) ** 2 + (y - fy) ** 2
    macula = 0.34 * np.exp(-radius / 0.0100) + 0.26 * np.exp(-radius / 0.0012)
    absorb(canvas, np.array([0.60, 0.42, 0.35]), macula)
    temporal = -1.0 if drawn.eye == "right" else 1.0
    soft = max(1.5 / size, 0.016)
    r = drawn.disc_radius * drawn.zoom
    disc = ellipse(x, y, drawn.disc_x, drawn.disc_y, r, 1.12 * r, drawn.tilt)
    paint(canvas, drawn.exposure * np.array([0.97, 0.74, 0.43]), 0.93 * coverage(disc, soft))
    cup = ellipse(
        x, y, drawn.disc_x + 0.12 * r * temporal, drawn.disc_y, r * drawn.cup_ratio, 1.1 * r * drawn.cup_ratio
    )
    paint(canvas, drawn.exposure * np.array([1.0, 0.93, 0.70]), 0.85 * coverage(cup, 2.0 * soft))
    return canvas


class Placement:
    """Free places for lesions inside the field: off the disc, the fovea and one another."""

    def __init__(self, drawn: FundusAttributes) -> None:
        self.drawn = drawn
        self.taken = [(*drawn.to_image([0.0, 0.0]), 1.2 * drawn.disc_radius), (*drawn.to_image(FOVEA), 0.012)]

    def block(self, centre, radius: float) -> None:
        self.taken.append((*centre, radius))

    def pick(self, count: int, radius: float, gap: float, rng, centre=None, spread: float = 0.2) -> np.ndarray:
        """`count` centres (n, 2) of lesions of that radius, about `centre` or over the posterior pole if it is None.

        The scatter widens towards the end of the candidates, so that a crowded place overflows to its surroundings.
        """
        around = self.drawn.to_image([0.17, 0.0]) if centre is None else np.asarray(centre)
        tries = 50 + 20 * count
        x, y = (around + rng.normal(0.0, spread, (tries, 2)) * np.linspace(1.0, 2.2, tries)[:, None]).T
        # Complex numbers x + iy: a distance is one absolute value.
        candidates, (tx, ty, taken) = x + 1j * y, np.array(self.taken).T
        free = (np.abs(candidates) < self.drawn.field_radius - radius - 0.03) & (
            np.abs(y) < self.drawn.field_crop - radius - 0.01
        )
        free &= (np.abs(candidates[:, None] - (tx + 1j * ty)) > taken + radius + gap).all(axis=1)
        candidates, chosen = candidates[free], []
        while len(chosen) < count and len(candidates):
            here = complex(candidates[0])
            chosen.append((here.real, here.imag))
            self.block(chosen[-1], radius)
            candidates = candidates[np.abs(candidates - here) > 2 * radius + gap]
        return np.reshape(chosen, (-1, 2))


def add_preretinal(canvas, drawn: FundusAttributes, below: int, where: Placement, rng) -> None:
    """A boat: the lower part of an ellipse under a level top; blood covers the vessels."""
    depth = 0.72
    rx = sqrt(2.0 * drawn.preretinal_haemorrhage / (pi * depth))
    side = 1.0 if below else -1.0
    centre = drawn.to_image([rng.uniform(0.12, 0.38), side * rng.uniform(0.17, 0.20)])
    centre[1] = np.clip(centre[1], -0.28, 0.40 - depth * rx - 0.08)
    x, y = grid(len(canvas))
    soft = max(1.4 / len(canvas), 0.014)
    boat = coverage(ellipse(x, y, *centre.tolist(), rx, depth * rx), 1.5 * soft)
    level = coverage(float(centre[1]) + 0.006 * np.sin(x * 21.0 + 2.0 * side) - y, soft)
    absorb(canvas, POOLED, 0.95 * boat * level)
    where.block((centre[0], centre[1] + 0.5 * depth * rx), 0.85 * rx)


def add_fibrosis(canvas, drawn: FundusAttributes, softness: float, arcade: np.ndarray, rng) -> None:
    """Grey-white bands that fan out along a temporal arcade and taper."""
    arcade = arcade[1:] + rng.normal(0.0, 0.012, 2)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(arcade, axis=0).T))])
    at = np.linspace(0.0, 1.0, 9)
    path = np.stack([np.interp(at * drawn.fibrosis, along, axis) for axis in arcade.T], axis=-1)
    away = rng.uniform(0.0, 6.28) + np.array([0.0, 2.6])
    fan = drawn.fibrosis * rng.uniform(0.12, 0.26, (2, 1, 1)) * (at**1.5)[:, None]
    bands = path + fan * np.stack([np.cos(away), np.sin(away)], axis=-1)[:, None]
    starts, ends = bands[:, :-1].reshape(-1, 2), bands[:, 1:].reshape(-1, 2)
    radii = np.tile(0.024 - 0.012 * at[1:], 2)
    tissue = capsules(len(canvas), starts, ends, radii, 2.0 * softness)
    paint(canvas, drawn.exposure * np.array([0.90, 0.82, 0.72]), 0.75 * tissue)


def add_tangle(canvas, drawn: FundusAttributes, softness: float, arcade, where: Placement, rng) -> None:
    """A reddish tuft of fine, uneven vessel loops on the disc margin or on a venous arcade."""
    extent = drawn.neovascularisation
    if drawn.neovascular_site == "disc":
        bearing = rng.uniform(0.0, 6.28)
        centre = drawn.to_image([0.0, 0.0]) + 0.5 * drawn.disc_radius * np.array([cos(bearing), sin(bearing)])
    else:
        centre = arcade[rng.integers(4, 8)] + rng.normal(0.0, 0.01, 2)
    x, y = grid(len(canvas))
    lean, flat = rng.uniform(0.0, 3.14), rng.uniform(0.75, 1.0)
    absorb(canvas, TUFT, 0.9 * coverage(ellipse(x, y, *centre.tolist(), extent, flat * extent, lean), 0.8 * extent))
    turn = np.linspace(0.0, 6.28, 8)
    bearing = rng.uniform(0.0, 6.28) + np.arange(5)[:, None] * 1.2566 + rng.normal(0.0, 0.4, (5, 1))
    reach = extent * rng.uniform(0.65, 1.15, (5, 1))
    out = 0.5 * reach * (1.0 + np.cos(turn + rng.normal(0.0, 0.5, (5, 1)))) * (1.0 + 0.15 * np.sin(3.0 * turn))
    across = reach * rng.uniform(0.2, 0.45, (5, 1)) * np.sin(turn)
    c, s = np.cos(bearing), np.sin(bearing)
    loops = centre + np.stack([c * out - s * across, s * out + c * across], axis=-1)
    starts, ends = loops[:, :-1].reshape(-1, 2), loops[:, 1:].reshape(-1, 2)
    absorb(canvas, LOOPS, 0.85 * capsules(len(canvas), starts, ends, 0.0080, softness))
    where.block(centre, extent)


def add_lesions(canvas, drawn: FundusAttributes, softness: float, where: Placement, rng) -> None:
    """Cotton wool spots, haemorrhages and hard exudates."""
    size, brightness = len(canvas), min(drawn.exposure, 1.0)
    if drawn.cotton_wool_count:
        centres = where.pick(drawn.cotton_wool_count, 0.045, 0.01, rng, spread=0.18)
        puffs = (centres[:, None] + rng.normal(0.0, 0.008, (len(centres), 3, 2))).reshape(-1, 2)
        paint(canvas, brightness * np.array([0.97, 0.86, 0.68]), 0.85 * capsules(size, puffs, puffs, 0.024, 0.048))
    if drawn.haemorrhage_count:
        mean = drawn.haemorrhage_size
        centres = where.pick(drawn.haemorrhage_count, mean, 0.012, rng)
        radial = centres - [drawn.disc_x, drawn.disc_y]
        radial = radial / np.hypot(*radial.T)[:, None]
        flame = (rng.random(len(centres)) < 0.25)[:, None, None]
        blot = np.clip(rng.normal(0.0, 0.26, (len(centres), 3, 2)), -0.4, 0.4)
        offsets = np.where(flame, radial[:, None] * np.array([[-0.5], [0.2], [0.9]]), blot)
        radii = np.where(flame[..., 0], [0.72, 0.64, 0.46], rng.uniform(0.68, 0.92, (len(centres), 3)))
        parts = (centres[:, None] + mean * offsets).reshape(-1, 2)
        absorb(canvas, BLOOD, 0.95 * capsules(size, parts, parts, mean * radii.ravel(), 1.25 * softness))
    if drawn.exudate_count:
        mean = drawn.exudate_size
        macula = drawn.to_image(FOVEA + rng.uniform(0.05, 0.09) * np.array([-1.0, rng.choice([-1.0, 1.0])]))
        centre, spread = (macula, 0.045) if drawn.exudate_clustered else (None, 0.15)
        centres = where.pick(drawn.exudate_count, mean, 0.003, rng, centre=centre, spread=spread)
        radii = mean * rng.uniform(0.85, 1.2, len(centres))
        paint(
            canvas, brightness * np.array([1.0, 0.93, 0.48]), 0.95 * capsules(size, centres, centres, radii, softness)
        )


def render(drawn: FundusAttributes, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render one fundus photograph, uint8 of shape (size, size, 3)."""
    softness = max(1.5 / size, 0.014)
    canvas = add_retina(size, drawn, rng)
    arcades = add_vessels(canvas, drawn, softness, rng)
    where = Placement(drawn)
    # Blood pools in the half of the field away from the tangle, so that neither hides the other.
    below = int(rng.random() < 0.7)
    if drawn.fibrosis:
        add_fibrosis(canvas, drawn, softness, arcades[1 - below], rng)
    if drawn.neovascularisation:
        add_tangle(canvas, drawn, softness, arcades[1 - below], where, rng)
    if drawn.preretinal_haemorrhage:
        add_preretinal(canvas, drawn, below, where, rng)
    add_lesions(canvas, drawn, softness, where, rng)
    x, y = grid(size)
    edge = np.maximum(np.hypot(x, y) - drawn.field_radius, np.abs(y) - drawn.field_crop)
    canvas *= coverage(edge, max(2.0 / size, 0.020))[..., None]
    return finish(canvas + np.float32(0.015), SENSOR_NOISE, rng)
