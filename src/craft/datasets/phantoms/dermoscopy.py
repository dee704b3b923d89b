"""Phantom of dermoscopy: one pigmented skin lesion seen through a dermatoscope.

The lesion is a star-shaped outline in an elongated frame. Its brown and black are melanin that absorbs the light of the
skin below, red is haemoglobin, and the blue-white veil, white areas, cysts and plugs lie over them.
"""

from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import numpy as np

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.canvas import coverage, finish, grid, paint

NAMES = {"nevus": "melanocytic nevus", "melanoma": "melanoma", "benign_keratosis": "benign keratosis"}

# An atypical lesion that could carry any of the labels, then each label's typical lesion. A draw lies between the two,
# so the labels overlap where lesions are hard to tell apart.
PROFILES = {
    "area": ((0.19, 0.04), {"nevus": 0.15, "melanoma": 0.24, "benign_keratosis": 0.21}),
    "pigment": ((0.62, 0.14), {"nevus": 0.62, "melanoma": 0.66, "benign_keratosis": 0.55}),
    "asymmetry": ((0.42, 0.13), {"nevus": 0.14, "melanoma": 0.78, "benign_keratosis": 0.32}),
    "border": ((0.38, 0.13), {"nevus": 0.12, "melanoma": 0.74, "benign_keratosis": 0.30}),
    "sharpness": ((0.52, 0.13), {"nevus": 0.32, "melanoma": 0.46, "benign_keratosis": 0.92}),
    "network": ((0.35, 0.20), {"nevus": 0.60, "melanoma": 0.50, "benign_keratosis": 0.00}),
    "atypia": ((0.46, 0.14), {"nevus": 0.15, "melanoma": 0.82, "benign_keratosis": 0.40}),
    "blue_grey": ((0.01, 0.06), {"nevus": -0.07, "melanoma": 0.17, "benign_keratosis": -0.05}),
    "black": ((0.02, 0.05), {"nevus": -0.03, "melanoma": 0.10, "benign_keratosis": -0.02}),
    "red": ((0.00, 0.05), {"nevus": -0.05, "melanoma": 0.05, "benign_keratosis": -0.02}),
    "white": ((0.00, 0.05), {"nevus": -0.06, "melanoma": 0.05, "benign_keratosis": -0.03}),
    "dark_brown": ((0.24, 0.12), {"nevus": 0.24, "melanoma": 0.30, "benign_keratosis": 0.18}),
    "globules": ((3.0, 2.5), {"nevus": 5.0, "melanoma": 5.0, "benign_keratosis": -1.0}),
    "streaks": ((0.8, 1.6), {"nevus": -1.2, "melanoma": 4.0, "benign_keratosis": -1.2}),
    "cysts": ((1.3, 1.4), {"nevus": -1.2, "melanoma": -1.0, "benign_keratosis": 5.5}),
    "openings": ((0.8, 1.2), {"nevus": -1.2, "melanoma": -1.0, "benign_keratosis": 3.5}),
    "ridges": ((0.28, 0.17), {"nevus": 0.00, "melanoma": 0.05, "benign_keratosis": 0.72}),
}
MOST_WORDS = 28  # a caption of a modality is never longer
VISIBLE_SHARE = 0.03  # a smaller colour patch is below three pixels across at 64 px

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


@dataclass(frozen=True)
class Lesion:
    """Drawn attributes of one dermoscopy phantom; lengths in image sides, shares of the lesion area.

    Attributes:
        label: label key.
        skin_tone: 0 (Fitzpatrick I, fair) to 1 (VI, dark).
        lesion_area: area of the lesion as a share of the image.
        centre_x, centre_y: lesion centre.
        orientation: direction of the long axis, radians.
        elongation: long axis over short axis.
        pigment: melanin density of the lesion body, 0.3 to 1.
        asymmetry: of shape and colour about the principal axes, 0 to 1.
        border_irregularity: notches and waves of the outline, 0 to 1.
        edge_sharpness: 0 fades into the skin, 1 ends abruptly.
        colour_count: how many of light brown, dark brown, black, red, blue-grey and white are present, 1 to 6.
        dark_brown_share, black_share, red_share, white_share: patches of these colours, 0 if absent.
        blue_grey_share: extent of the blue-white veil, 0 if absent.
        network: contrast of the pigment network, 0 if absent.
        network_atypia: 0 thin even lines, 1 broad uneven lines on one side; also unevenness of the globules.
        globules, streaks, cysts, openings: numbers of brown globules, peripheral streaks, milia-like cysts and
            comedo-like openings.
        ridges: contrast of the fissures and ridges of a waxy surface, 0 if absent.
        hairs: number of hairs across the image.
        vignette: darkening of the corners, 0 to 1.
        exposure: brightness of the image, about 1.
    """

    label: str
    skin_tone: float
    lesion_area: float
    centre_x: float
    centre_y: float
    orientation: float
    elongation: float
    pigment: float
    asymmetry: float
    border_irregularity: float
    edge_sharpness: float
    colour_count: int
    dark_brown_share: float
    black_share: float
    red_share: float
    white_share: float
    blue_grey_share: float
    network: float
    network_atypia: float
    globules: int
    streaks: int
    cysts: int
    openings: int
    ridges: float
    hairs: int
    vignette: float
    exposure: float


def draw(label: str, rng: np.random.Generator) -> Lesion:
    """Draw the attributes of one lesion."""
    typical = float(rng.beta(2.2, 0.9))
    raw = {
        key: float(neutral + typical * (typicals[label] - neutral) + spread * rng.standard_normal())
        for key, ((neutral, spread), typicals) in PROFILES.items()
    }
    globular = rng.random() < 0.3
    raw["globules"] += 3.5 if globular else -2.5
    raw["network"] -= 0.6 if globular else 0.0
    shares = {key: min(raw[key], 0.4) for key in ("dark_brown", "black", "red", "white", "blue_grey")}
    shares = {key: share if share >= VISIBLE_SHARE else 0.0 for key, share in shares.items()}

    def unit(key: str, floor: float = 0.0) -> float:
        return min(raw[key], 1.0) if raw[key] > floor else 0.0

    def count(key: str, most: int) -> int:
        return min(max(round(raw[key]), 0), most)

    return Lesion(
        label=label,
        skin_tone=float(rng.beta(1.0, 1.5)),
        lesion_area=min(max(raw["area"], 0.08), 0.34),
        centre_x=float(rng.uniform(-0.07, 0.07)),
        centre_y=float(rng.uniform(-0.07, 0.07)),
        orientation=float(rng.uniform(0.0, pi)),
        elongation=float(rng.uniform(1.05, 1.45)),
        pigment=min(max(raw["pigment"], 0.3), 1.0),
        asymmetry=unit("asymmetry"),
        border_irregularity=unit("border"),
        edge_sharpness=unit("sharpness"),
        colour_count=1 + sum(share > 0.0 for share in shares.values()),
        **{f"{key}_share": share for key, share in shares.items()},
        network=unit("network", 0.2),
        network_atypia=unit("atypia"),
        globules=count("globules", 10),
        streaks=count("streaks", 7),
        cysts=count("cysts", 8),
        openings=count("openings", 6),
        ridges=unit("ridges", 0.15),
        hairs=int(rng.choice(4, p=(0.62, 0.2, 0.12, 0.06))),
        vignette=float(rng.uniform(0.0, 1.0) ** 2),
        exposure=float(rng.normal(1.0, 0.05)),
    )


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


def render(a: Lesion, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render the lesion; returns uint8 of shape (size, size, 3)."""
    x, y = grid(size)
    soft = 1.3 / size
    tilt, wave = rng.uniform(-0.12, 0.12, 2).tolist(), rng.uniform(0, 2 * pi, 8).tolist()
    turn, flush = wave[7], rng.uniform(-0.05, 0.08)
    skin = np.array([np.interp(a.skin_tone * 5, range(6), column) for column in zip(*SKIN, strict=True)], np.float32)
    skin *= np.exp(-HAEMOGLOBIN * flush)
    glow = 1.0 - 0.28 * a.skin_tone
    light = 1.0 + tilt[0] * x + tilt[1] * y + 0.02 * np.sin(9 * x + 5 * y + wave[0]) * np.sin(11 * y - 4 * x + wave[1])

    c, s, stretch = cos(a.orientation), sin(a.orientation), sqrt(a.elongation)
    dx, dy = x - a.centre_x, y - a.centre_y
    u, v = (c * dx + s * dy) / stretch, (c * dy - s * dx) * stretch
    table, mean, theta = outline(a, rng), sqrt(a.lesion_area / pi), np.arctan2(v, u)
    edge = np.interp(theta, np.arange(361) * (pi / 180), np.append(table, table[0]), period=2 * pi).astype(np.float32)
    distance = np.hypot(u, v) - edge
    body = coverage(distance, max(0.14 * (1.0 - a.edge_sharpness), 1.5 * soft))
    bend_u = u + 0.022 * np.sin(17 * v + wave[2]) + 0.010 * np.sin(31 * u + wave[3])
    bend_v = v + 0.022 * np.sin(17 * u + wave[4]) + 0.010 * np.sin(31 * v + wave[5])
    lump = 0.03 * np.sin(29 * u + wave[6]) * np.sin(26 * v + wave[2])

    def positions(number: int, looseness: float) -> np.ndarray:
        polar = scatter(number, looseness, 0.80, rng)
        radius = polar[:, 1] * table[np.degrees(polar[:, 0]).astype(int) % 360]
        p, q = radius * np.cos(polar[:, 0]) * stretch, radius * np.sin(polar[:, 0]) / stretch
        return np.stack([a.centre_x + c * p - s * q, a.centre_y + s * p + c * q], axis=1)

    def patch(share: float, order: int, softness: float) -> np.ndarray:
        radius = sqrt(share) * mean
        off = (0.06 + 0.94 * a.asymmetry) * 0.85 * max(mean - 0.8 * radius, 0.0)
        far = np.hypot(bend_u - off * cos(turn + 2.2 * order), bend_v - off * sin(turn + 2.2 * order)) - radius
        return body * coverage(far + (-1) ** order * lump, softness)

    inner = np.clip(-distance / mean, 0.0, 1.0)
    melanin = a.pigment * (0.75 + 0.4 * inner) * body
    if a.dark_brown_share:
        melanin += 0.55 * patch(a.dark_brown_share, 0, 0.08)
    if a.network:
        melanin += 0.75 * a.network * body * network_lines(a, bend_u, bend_v, turn, mean) * np.minimum(0.5 + inner, 1.0)
    if a.ridges:
        along, across = cos(turn) * bend_u + sin(turn) * bend_v, cos(turn) * bend_v - sin(turn) * bend_u
        melanin += 0.33 * a.ridges * body * np.sin(58 * along + 2.4 * np.sin(19 * across)) * np.cos(12 * across)
    if a.globules:
        radii = 0.022 * (1.0 + a.network_atypia * rng.uniform(-0.2, 0.6, a.globules))
        melanin += 0.8 * coverage(discs(x, y, positions(a.globules, a.network_atypia), radii), soft)
    if a.black_share:
        melanin += 1.4 * patch(a.black_share, 2, 0.05)
    blood = 0.06 * coverage(distance - 0.05, 0.12)
    if a.red_share:
        blood += 0.9 * patch(a.red_share, 4, 0.06)
    canvas = skin * np.exp(-melanin[..., None] * MELANIN - blood[..., None] * HAEMOGLOBIN)
    if a.white_share:
        paint(canvas, np.array((0.92, 0.82, 0.80)) * glow, 0.7 * patch(a.white_share, 3, 0.07))
    if a.blue_grey_share:
        paint(canvas, np.array((0.50, 0.54, 0.62)) * glow, 0.8 * patch(a.blue_grey_share, 1, 0.09))
    if a.ridges:
        paint(canvas, np.array((0.74, 0.60, 0.42)) * glow, 0.3 * a.ridges * body)
    if a.edge_sharpness > 0.6:
        rim = np.exp(-((distance / 0.02) ** 2)) * np.cos(theta + a.orientation + 2.2)
        canvas *= 1.0 + (0.4 * (a.edge_sharpness - 0.6) * rim)[..., None]
    # Cysts and openings share one spiral, so that neither hides the other.
    points = rng.permutation(positions(a.openings + a.cysts, 0.2))
    radii = rng.uniform(0.023, 0.034, len(points))
    if a.openings:
        plugs = discs(x, y, points[: a.openings], radii[: a.openings])
        paint(canvas, np.array((0.20, 0.13, 0.09)) * glow, 0.8 * coverage(plugs, 1.8 * soft))
    if a.cysts:
        pearls = discs(x, y, points[a.openings :], radii[a.openings :])
        paint(canvas, np.array((0.97, 0.92, 0.81)) * glow, 0.8 * coverage(pearls, 1.8 * soft))
    for _ in range(a.hairs):
        lean, start, bow, stop = (rng.uniform(*span) for span in ((0, 2 * pi), (-0.4, 0.4), (-0.6, 0.6), (-0.3, 0.7)))
        along, across = cos(lean) * x + sin(lean) * y, cos(lean) * y - sin(lean) * x
        far = np.abs(across - start - bow * along**2) / np.sqrt(1.0 + (2 * bow * along) ** 2)
        paint(canvas, skin * 0.3, 0.55 * coverage(far - 0.008, 1.2 * soft) * coverage(along - stop, 0.15))
    shade = 1.0 - 0.75 * a.vignette * coverage(0.60 - np.hypot(x, y), 0.28)
    canvas *= (a.exposure * light * shade)[..., None]
    return finish(canvas, 0.006, rng)


def graded(value: float, low: str, middle: str, high: str) -> str:
    """Words for an attribute in [0, 1]; the middle is where the labels overlap."""
    return low if value < 0.32 else middle if value < 0.55 else high


def describe(a: Lesion, rng: np.random.Generator) -> str:
    """Write the detailed caption: the label and up to four signs, one of them often an absent one."""
    seen = [
        graded(a.asymmetry, "symmetric", "mildly asymmetric", "asymmetric") + " in shape and colour",
        graded(a.border_irregularity, "smooth regular border", "mildly irregular border", "irregular notched border"),
        "uniform brown colour" if a.colour_count < 3 else "a few colours" if a.colour_count == 3 else "many colours",
    ]
    missing = []
    for value, clear, faint, strong, none in (
        (a.blue_grey_share, 0.06, "a faint blue-white veil", "a blue-white veil", "no blue-white veil"),
        (a.black_share, 0.0, "", "a black blotch", "no black blotch"),
        (a.white_share, 0.0, "", "white scar-like areas", "no white scar-like areas"),
        (a.streaks, 1, "a single dark streak at the edge", "dark streaks at the edge", "no streaks at the edge"),
        (a.cysts, 2, "a few milia-like cysts", "milia-like cysts", "no milia-like cysts"),
        (a.openings, 1, "a single comedo-like opening", "comedo-like openings", "no comedo-like openings"),
        (a.ridges, 0.35, "faint fissures and ridges", "fissures and ridges", "no fissures or ridges"),
    ):
        (seen if value else missing).append(strong if value > clear else faint if value else none)
    even = a.network_atypia
    if a.network:
        names = ("a regular pigment network", "a slightly uneven pigment network", "an atypical pigment network")
        seen.append(graded(even, *names))
    else:
        missing.append("no pigment network")
    if a.globules > 2:
        seen.append(graded(even, "regular globules", "slightly uneven globules", "irregular dots and globules"))
    if a.edge_sharpness > 0.7:
        seen.append("a sharp waxy border")
    elif a.edge_sharpness < 0.35:
        missing.append("a border that fades into the skin")
    signs = list(rng.permutation(seen)[: rng.integers(2, 4)]) + list(rng.permutation(missing)[: rng.integers(0, 2)])
    signs = list(rng.permutation(signs))
    start = rng.choice(("dermoscopy of a", "a dermoscopy image of a", "dermoscopic view of a"))
    tone = "fair" if a.skin_tone < 0.33 else "brown" if a.skin_tone < 0.67 else "dark"
    where = f" on {tone} skin" if rng.random() < 0.5 else ""
    opening = f"{start} {NAMES[a.label]}{where}"
    while len(", ".join([opening, *signs]).split()) > MOST_WORDS:
        signs.pop()
    return ", ".join([opening, *signs])


MODALITY = Modality(
    name="dermoscopy",
    labels=tuple(NAMES),
    coarse_captions=(
        "a dermoscopy image of a pigmented skin lesion",
        "dermoscopy of skin",
        "a dermatoscope photograph of a pigmented spot on the skin",
        "a close-up dermoscopic view of a skin lesion",
    ),
    draw=draw,
    render=render,
    describe=describe,
)
