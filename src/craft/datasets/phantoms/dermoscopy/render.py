"""From drawn attributes to the image of a dermoscopy phantom."""

from math import cos, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.canvas import coverage, finish, grid, paint
from craft.datasets.phantoms.dermoscopy.attributes import Lesion

SKIN = (
    (0.93, 0.79, 0.73),
    (0.90, 0.73, 0.64),
    (0.83, 0.64, 0.52),
    (0.72, 0.53, 0.41),
    (0.56, 0.40, 0.30),
    (0.44, 0.30, 0.23),
)
MELANIN = np.array((0.52, 0.88, 1.10), dtype=np.float32)
HAEMOGLOBIN = np.array((0.12, 0.80, 0.68), dtype=np.float32)


def outline(a: Lesion, rng: np.random.Generator) -> np.ndarray:
    """Radius of the lesion at 360 angles of its own frame, scaled so that it encloses `lesion_area`."""
    angle = np.arange(360) * (pi / 180)
    phase = rng.uniform(0.0, 2 * pi, 9)
    radius = 1.0 + a.asymmetry * (0.13 * np.cos(3 * angle + phase[0]) + 0.07 * np.cos(4 * angle + phase[1]))
    radius += 0.5 * a.asymmetry * np.exp(5.0 * (np.cos(angle - phase[2]) - 1.0))
    orders = np.array([5, 6, 7, 9, 11])[:, None]
    radius += a.border_irregularity * (0.17 / np.sqrt(orders) * np.cos(orders * angle + phase[3:8, None])).sum(axis=0)
    fan = phase[8] + 0.36 * (np.arange(7) + rng.uniform(-0.15, 0.15, 7))[: a.streaks, None]
    radius += 0.30 * np.exp(70.0 * (np.cos(angle - fan) - 1.0)).sum(axis=0)
    return (radius * sqrt(a.lesion_area / (pi * np.mean(radius**2)))).astype(np.float32)


def discs(x, y, points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Distance to the nearest of the discs at `points` (n, 2) with `radii` (n,), negative inside."""
    points, radii = points.astype(np.float32), radii.astype(np.float32)
    across, down = (x[0] - points[:, :1]) ** 2, (y[:, 0] - points[:, 1:]) ** 2
    return (np.sqrt(across[:, None, :] + down[:, :, None]) - radii[:, None, None]).min(axis=0)


def scatter(number: int, looseness: float, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Polar positions (angle, share of the outline radius), shape (number, 2), from an even spiral to random."""
    angle = 2.39996 * np.arange(number) + rng.uniform(0, 2 * pi) + looseness * rng.uniform(-1.6, 1.6, number)
    share = np.sqrt((np.arange(number) + 0.5) / max(number, 1)) + looseness * rng.uniform(-0.3, 0.3, number)
    return np.stack([angle, reach * np.clip(share, 0.1, 1.0)], axis=1)


def network_lines(a: Lesion, u, v, turn: float, mean: float) -> np.ndarray:
    """Melanin of the honeycomb lines: thin and even, or broad, coarse and on one side."""
    wavenumber = 2 * pi / (0.085 + 0.03 * a.network_atypia)
    waves = sum(
        np.cos(wavenumber * cos(k * pi / 3 + turn) * u + wavenumber * sin(k * pi / 3 + turn) * v) for k in range(3)
    )
    lines = np.clip(0.35 + 0.25 * a.network_atypia - 0.5 * waves, 0.0, 1.0)
    return (lines - 0.35) * (1.0 + a.network_atypia * np.clip((cos(turn) * u + sin(turn) * v) / mean, -1.0, 1.0))


class Frame:
    """Coordinates and light of one phantom.

    Attributes:
        x, y: of the image, shape (size, size).
        u, v: of the lesion, before its outline bends them.
        bend_u, bend_v: the same, bent, for structures inside of the lesion.
        table: radius of the outline by degree, shape (360,).
        mean: radius of a disc of the lesion's area.
        distance: to the outline, negative inside, shape (size, size).
        body: how far a pixel belongs to the lesion, in [0, 1].
        turn: direction of the lesion's structures, radians.
        skin: colour of the skin, shape (3,).
        glow: brightness of what lies on the skin.
        light: uneven illumination, shape (size, size).
    """

    def __init__(self, a: Lesion, size: int, rng: np.random.Generator):
        self.lesion, self.soft = a, 1.3 / size
        x, y = self.x, self.y = grid(size)
        tilt, wave = rng.uniform(-0.12, 0.12, 2).tolist(), rng.uniform(0, 2 * pi, 8).tolist()
        self.turn, flush = wave[7], rng.uniform(-0.05, 0.08)
        tones = [np.interp(a.skin_tone * 5, range(6), column) for column in zip(*SKIN, strict=True)]
        self.skin = np.array(tones, np.float32) * np.exp(-HAEMOGLOBIN * flush)
        self.glow = 1.0 - 0.28 * a.skin_tone
        ripple = 0.02 * np.sin(9 * x + 5 * y + wave[0]) * np.sin(11 * y - 4 * x + wave[1])
        self.light = 1.0 + tilt[0] * x + tilt[1] * y + ripple
        c, s, stretch = cos(a.orientation), sin(a.orientation), sqrt(a.elongation)
        dx, dy = x - a.centre_x, y - a.centre_y
        u, v = self.u, self.v = (c * dx + s * dy) / stretch, (c * dy - s * dx) * stretch
        self.table, self.mean, self.theta = outline(a, rng), sqrt(a.lesion_area / pi), np.arctan2(v, u)
        degrees = np.arange(361) * (pi / 180)
        edge = np.interp(self.theta, degrees, np.append(self.table, self.table[0]), period=2 * pi).astype(np.float32)
        self.distance = np.hypot(u, v) - edge
        self.body = coverage(self.distance, max(0.14 * (1.0 - a.edge_sharpness), 1.5 * self.soft))
        self.bend_u = u + 0.022 * np.sin(17 * v + wave[2]) + 0.010 * np.sin(31 * u + wave[3])
        self.bend_v = v + 0.022 * np.sin(17 * u + wave[4]) + 0.010 * np.sin(31 * v + wave[5])
        self.lump = 0.03 * np.sin(29 * u + wave[6]) * np.sin(26 * v + wave[2])

    def positions(self, number: int, looseness: float, rng: np.random.Generator) -> np.ndarray:
        """Points inside of the lesion in image coordinates, shape (number, 2)."""
        a = self.lesion
        c, s, stretch = cos(a.orientation), sin(a.orientation), sqrt(a.elongation)
        polar = scatter(number, looseness, 0.80, rng)
        radius = polar[:, 1] * self.table[np.degrees(polar[:, 0]).astype(int) % 360]
        p, q = radius * np.cos(polar[:, 0]) * stretch, radius * np.sin(polar[:, 0]) / stretch
        return np.stack([a.centre_x + c * p - s * q, a.centre_y + s * p + c * q], axis=1)

    def patch(self, share: float, order: int, softness: float) -> np.ndarray:
        """A patch of another colour that takes a share of the lesion, off its centre by its asymmetry."""
        radius = sqrt(share) * self.mean
        off = (0.06 + 0.94 * self.lesion.asymmetry) * 0.85 * max(self.mean - 0.8 * radius, 0.0)
        angle = self.turn + 2.2 * order
        far = np.hypot(self.bend_u - off * cos(angle), self.bend_v - off * sin(angle)) - radius
        return self.body * coverage(far + (-1) ** order * self.lump, softness)


def add_melanin(a: Lesion, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Melanin of the lesion and its structures, shape (size, size)."""
    bend_u, bend_v, turn, body = frame.bend_u, frame.bend_v, frame.turn, frame.body
    inner = np.clip(-frame.distance / frame.mean, 0.0, 1.0)
    melanin = a.pigment * (0.75 + 0.4 * inner) * body
    if a.dark_brown_share:
        melanin += 0.55 * frame.patch(a.dark_brown_share, 0, 0.08)
    if a.network:
        lines = network_lines(a, bend_u, bend_v, turn, frame.mean)
        melanin += 0.75 * a.network * body * lines * np.minimum(0.5 + inner, 1.0)
    if a.ridges:
        along, across = cos(turn) * bend_u + sin(turn) * bend_v, cos(turn) * bend_v - sin(turn) * bend_u
        melanin += 0.33 * a.ridges * body * np.sin(58 * along + 2.4 * np.sin(19 * across)) * np.cos(12 * across)
    if a.globules:
        radii = 0.022 * (1.0 + a.network_atypia * rng.uniform(-0.2, 0.6, a.globules))
        points = frame.positions(a.globules, a.network_atypia, rng)
        melanin += 0.8 * coverage(discs(frame.x, frame.y, points, radii), frame.soft)
    if a.black_share:
        melanin += 1.4 * frame.patch(a.black_share, 2, 0.05)
    return melanin


def add_colours(a: Lesion, frame: Frame, canvas: np.ndarray) -> None:
    """Lay the patches of other colours and the sharp rim over the lesion."""
    glow = frame.glow
    if a.white_share:
        paint(canvas, np.array((0.92, 0.82, 0.80)) * glow, 0.7 * frame.patch(a.white_share, 3, 0.07))
    if a.blue_grey_share:
        paint(canvas, np.array((0.50, 0.54, 0.62)) * glow, 0.8 * frame.patch(a.blue_grey_share, 1, 0.09))
    if a.ridges:
        paint(canvas, np.array((0.74, 0.60, 0.42)) * glow, 0.3 * a.ridges * frame.body)
    if a.edge_sharpness > 0.6:
        rim = np.exp(-((frame.distance / 0.02) ** 2)) * np.cos(frame.theta + a.orientation + 2.2)
        canvas *= 1.0 + (0.4 * (a.edge_sharpness - 0.6) * rim)[..., None]


def add_plugs(a: Lesion, frame: Frame, canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Lay openings and cysts over the lesion; they share one spiral, so that neither hides the other."""
    points = rng.permutation(frame.positions(a.openings + a.cysts, 0.2, rng))
    radii = rng.uniform(0.023, 0.034, len(points))
    if a.openings:
        plugs = discs(frame.x, frame.y, points[: a.openings], radii[: a.openings])
        paint(canvas, np.array((0.20, 0.13, 0.09)) * frame.glow, 0.8 * coverage(plugs, 1.8 * frame.soft))
    if a.cysts:
        pearls = discs(frame.x, frame.y, points[a.openings :], radii[a.openings :])
        paint(canvas, np.array((0.97, 0.92, 0.81)) * frame.glow, 0.8 * coverage(pearls, 1.8 * frame.soft))


def add_hairs(a: Lesion, frame: Frame, canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Lay hairs over everything."""
    x, y = frame.x, frame.y
    for _ in range(a.hairs):
        lean, start, bow, stop = (rng.uniform(*span) for span in ((0, 2 * pi), (-0.4, 0.4), (-0.6, 0.6), (-0.3, 0.7)))
        along, across = cos(lean) * x + sin(lean) * y, cos(lean) * y - sin(lean) * x
        far = np.abs(across - start - bow * along**2) / np.sqrt(1.0 + (2 * bow * along) ** 2)
        hair = 0.55 * coverage(far - 0.008, 1.2 * frame.soft) * coverage(along - stop, 0.15)
        paint(canvas, frame.skin * 0.3, hair)


def render(a: Lesion, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render the lesion; returns uint8 of shape (size, size, 3)."""
    frame = Frame(a, size, rng)
    melanin = add_melanin(a, frame, rng)
    blood = 0.06 * coverage(frame.distance - 0.05, 0.12)
    if a.red_share:
        blood += 0.9 * frame.patch(a.red_share, 4, 0.06)
    canvas = frame.skin * np.exp(-melanin[..., None] * MELANIN - blood[..., None] * HAEMOGLOBIN)
    add_colours(a, frame, canvas)
    add_plugs(a, frame, canvas, rng)
    add_hairs(a, frame, canvas, rng)
    shade = 1.0 - 0.75 * a.vignette * coverage(0.60 - np.hypot(frame.x, frame.y), 0.28)
    canvas *= (a.exposure * frame.light * shade)[..., None]
    return finish(canvas, 0.006, rng)
