"""Fundus photographs of diabetic retinopathy: no retinopathy, nonproliferative and proliferative.

Anatomy is laid out in eye coordinates (u towards the temple, v down, the optic disc at the origin, unit = image side)
and mapped to the image, so one layout serves both eyes. Blood and pigment absorb: they multiply the canvas by a
transmission colour; exudates, cotton wool and fibrous tissue scatter: they are painted over it.
"""

from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.canvas import coverage, ellipse, finish, grid, paint

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


@dataclass(frozen=True)
class FundusAttributes:
    """Drawn attributes of one fundus phantom; lengths in image sides, areas in squared image sides.

    Attributes:
        label: label key.
        eye: "left" or "right"; the disc lies on the nasal side, right in the image of a right eye.
        field_radius: radius of the illuminated circle.
        field_crop: half-height at which the circle is cut off above and below.
        disc_x, disc_y: centre of the optic disc.
        zoom: magnification of the anatomy, about 1.
        tilt: rotation of the anatomy about the disc, radians.
        disc_radius: horizontal radius of the disc.
        cup_ratio: cup-to-disc diameter ratio.
        pigmentation: 0 light orange to 1 dark brown-red fundus.
        exposure: brightness factor, about 1.
        warmth: colour balance, negative bluish, positive yellowish.
        vessel_width: calibre factor of the vessels, about 1.
        tortuosity: 0 straight to 1 winding vessels.
        haemorrhage_count: intraretinal dot, blot and flame haemorrhages.
        haemorrhage_size: their mean radius.
        exudate_count: hard exudates.
        exudate_size: their mean radius.
        exudate_clustered: whether they lie in one cluster beside the macula rather than scattered.
        cotton_wool_count: cotton wool spots.
        neovascularisation: radius of the tangle of abnormal vessels, 0 if there is none.
        neovascular_site: "disc", "arcade" or "none".
        preretinal_haemorrhage: area of the boat-shaped haemorrhage, 0 if there is none.
        fibrosis: length of the pale fibrous bands, 0 if there are none.
    """

    label: str
    eye: str
    field_radius: float
    field_crop: float
    disc_x: float
    disc_y: float
    zoom: float
    tilt: float
    disc_radius: float
    cup_ratio: float
    pigmentation: float
    exposure: float
    warmth: float
    vessel_width: float
    tortuosity: float
    haemorrhage_count: int
    haemorrhage_size: float
    exudate_count: int
    exudate_size: float
    exudate_clustered: bool
    cotton_wool_count: int
    neovascularisation: float
    neovascular_site: str
    preretinal_haemorrhage: float
    fibrosis: float

    def to_image(self, points) -> np.ndarray:
        """Map eye coordinates (..., 2) to image coordinates."""
        c, s = self.zoom * cos(self.tilt), self.zoom * sin(self.tilt)
        temporal = -1.0 if self.eye == "right" else 1.0
        turn = np.array([[temporal * c, s], [-temporal * s, c]])
        return np.asarray(points) @ turn + np.array([self.disc_x, self.disc_y])


def draw(label: str, rng: np.random.Generator) -> FundusAttributes:
    """Draw the attributes of one phantom; the ranges of neighbouring labels overlap."""
    eye = str(rng.choice(["left", "right"]))
    severity, chance = rng.random(), rng.random(6)
    haemorrhages = exudates = cotton_wool = 0
    tangle = pooled = fibrosis = 0.0
    if label == "no_dr":
        haemorrhages = int(chance[0] < 0.13)
        exudates = int(chance[1] < 0.04)
    elif label == "nonproliferative_dr":
        haemorrhages = 1 + min(int(rng.poisson(0.3 + 5.0 * severity)), 9)
        exudates = int(rng.integers(2, 10)) if chance[0] < 0.35 + 0.55 * severity else 0
        cotton_wool = int(rng.integers(1, 4)) if chance[1] < 0.15 + 0.5 * severity else 0
        tangle = rng.uniform(0.026, 0.060) if chance[2] < 0.45 * severity else 0.0
    else:
        haemorrhages = min(int(rng.poisson(1.0 + 4.0 * severity)), 9)
        exudates = int(rng.integers(2, 8)) if chance[0] < 0.4 else 0
        cotton_wool = int(rng.integers(1, 3)) if chance[1] < 0.3 else 0
        pooled = rng.uniform(0.010, 0.050) if chance[2] < 0.45 else 0.0
        fibrosis = rng.uniform(0.14, 0.34) if chance[3] < 0.40 else 0.0
        tangle = rng.uniform(0.038, 0.085) if chance[4] < 0.9 or not pooled else 0.0
    site = "none" if not tangle else "disc" if label == "proliferative_dr" and chance[5] < 0.5 else "arcade"
    smallest = 0.019 if label == "no_dr" else 0.021
    return FundusAttributes(
        label=label,
        eye=eye,
        field_radius=float(rng.uniform(0.455, 0.49)),
        field_crop=float(rng.uniform(0.38, 0.60)),
        disc_x=float((1 if eye == "right" else -1) * rng.uniform(0.13, 0.27)),
        disc_y=float(rng.uniform(-0.06, 0.05)),
        zoom=float(rng.uniform(0.9, 1.1)),
        tilt=float(rng.normal(0.0, 0.07)),
        disc_radius=float(rng.uniform(0.064, 0.080)),
        cup_ratio=float(rng.uniform(0.25, 0.6)),
        pigmentation=float(rng.beta(1.6, 1.6)),
        exposure=float(rng.uniform(0.86, 1.06)),
        warmth=float(rng.uniform(-1.0, 1.0)),
        vessel_width=float(rng.uniform(0.92, 1.15)),
        tortuosity=float(rng.beta(1.5, 3.0)),
        haemorrhage_count=haemorrhages,
        haemorrhage_size=float(rng.uniform(smallest, smallest + 0.010)) if haemorrhages else 0.0,
        exudate_count=exudates,
        exudate_size=float(rng.uniform(0.015, 0.021)) if exudates else 0.0,
        exudate_clustered=bool(exudates > 2 and rng.random() < 0.6),
        cotton_wool_count=cotton_wool,
        neovascularisation=float(tangle),
        neovascular_site=site,
        preretinal_haemorrhage=float(pooled),
        fibrosis=float(fibrosis),
    )


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


NAMES = {
    "no_dr": "no diabetic retinopathy",
    "nonproliferative_dr": "nonproliferative diabetic retinopathy",
    "proliferative_dr": "proliferative diabetic retinopathy",
}
OPENINGS = (
    "colour fundus photograph of the {eye} eye with {name}",
    "colour fundus photograph, {eye} eye, {name}",
    "retinal fundus photograph with {name}, {eye} eye",
    "retinal fundus photograph of the {eye} eye showing {name}",
)
ABSENT = {
    "tangle": "no new vessels",
    "pooled": "no preretinal haemorrhage",
    "fibrosis": "no fibrous bands",
    "haemorrhage": "no haemorrhages on the retina",
    "exudate": "no hard exudates",
    "cotton_wool": "no cotton wool spots",
}


def signs(drawn: FundusAttributes) -> dict[str, str]:
    """Phrases of the signs that are present, by sign, in the words of the knowledge file."""
    present = {}
    if drawn.neovascularisation >= 0.046:
        site = "on the disc" if drawn.neovascular_site == "disc" else "along the arcade"
        present["tangle"] = f"a tangle of fine new vessels {site}"
    elif drawn.neovascularisation:
        present["tangle"] = "a small tuft of abnormal vessels"
    if drawn.preretinal_haemorrhage:
        large = "large " if drawn.preretinal_haemorrhage > 0.025 else ""
        present["pooled"] = f"a {large}boat-shaped preretinal haemorrhage"
    if drawn.fibrosis:
        present["fibrosis"] = "pale fibrous bands"
    if drawn.haemorrhage_count == 1:
        present["haemorrhage"] = "a single dark red haemorrhage"
    elif drawn.haemorrhage_count:
        amount = ("a few", "several", "many")[(drawn.haemorrhage_count > 3) + (drawn.haemorrhage_count > 6)]
        present["haemorrhage"] = f"{amount} dark red haemorrhages"
    if drawn.exudate_count == 1:
        present["exudate"] = "a single bright yellow spot"
    elif drawn.exudate_count:
        amount = "a cluster of" if drawn.exudate_clustered else "a few" if drawn.exudate_count < 4 else "scattered"
        present["exudate"] = f"{amount} bright yellow hard exudates"
    if drawn.cotton_wool_count:
        many = drawn.cotton_wool_count > 1
        present["cotton_wool"] = "pale fluffy cotton wool spots" if many else "a pale fluffy cotton wool spot"
    return present


def describe(drawn: FundusAttributes, rng: np.random.Generator) -> str:
    """Caption of at most 28 words: the label, the leading signs present and one or two stated as absent."""
    opening = str(rng.choice(OPENINGS)).format(eye=drawn.eye, name=NAMES[drawn.label])
    present = signs(drawn)
    missing = [ABSENT[sign] for sign in ABSENT if sign not in present]
    denied = [missing[i] for i in rng.permutation(len(missing))[: int(rng.integers(0, 3))]]
    leading = list(present.values())[: 3 if drawn.label == "proliferative_dr" else 4]
    if len(present) < 2:
        denied = [missing[i] for i in rng.permutation(len(missing))[: 3 - len(present)]]
    chosen, words = [], len(opening.split())
    for phrase in leading + denied:
        if len(chosen) < 4 and words + len(phrase.split()) <= 28:
            chosen.append(phrase)
            words += len(phrase.split())
    return ", ".join([opening, *(chosen[i] for i in rng.permutation(len(chosen)))])


MODALITY = Modality(
    name="fundus",
    labels=tuple(NAMES),
    coarse_captions=(
        "a colour fundus photograph of the retina",
        "a retinal fundus photograph centred on the posterior pole",
        "a photograph of the back of the eye with the optic disc, macula and vessels",
        "a round colour photograph of the ocular fundus on a black background",
    ),
    draw=draw,
    render=render,
    describe=describe,
)
