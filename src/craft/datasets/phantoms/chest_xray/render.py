"""From drawn attributes to the image of a chest radiograph phantom."""

from math import cos, sin

import numpy as np
from scipy.interpolate import PchipInterpolator

from craft.datasets.phantoms.canvas import coverage, ellipse, finish, grid
from craft.datasets.phantoms.chest_xray.attributes import AXIS, BLUNTED, FLANK, LOBES, SHOULDERS, Chest

SENSOR_NOISE = 0.005
APEX, HILUM = -0.42, 0.0  # heights of the lung apex and of the hila
CREST = 0.16  # distance of the top of a diaphragm dome from the midline
WATER = 0.76  # attenuation of heart, fluid and airless lung alike, which is why they hide each other's borders


def strands(drawn: Chest, size: int, starts, ends, widths, softness: float) -> np.ndarray:
    """Coverage of straight strands between body points (n, 2); `widths` (n, 2) are those at start and end.

    Every strand is evaluated in a window just large enough for the longest one, so keep them of similar length.
    """
    starts, ends = drawn.to_image(starts), drawn.to_image(ends)
    radii = (0.5 * drawn.zoom * np.asarray(widths)).astype(np.float32)[..., None, None]
    edges = ends - starts
    reach = int((0.5 * np.abs(edges).max() + radii.max() + 0.5 * softness) * size) + 1
    window = np.arange(-reach, reach + 1)
    corner = np.floor((0.5 * (starts + ends) + 0.5) * size).astype(int)
    offsets = ((corner[..., None] + window + 0.5) / size - 0.5).astype(np.float32) - starts[..., None]
    dx, dy = offsets[:, 0, None, :], offsets[:, 1, :, None]
    ex, ey = edges.T[..., None, None]
    along = np.minimum(np.maximum((dx * ex + dy * ey) / (ex * ex + ey * ey), 0.0), 1.0)
    away = np.sqrt(np.square(dx - along * ex) + np.square(dy - along * ey))
    pieces = coverage(away - radii[:, 0] - (radii[:, 1] - radii[:, 0]) * along, softness)
    layer = np.zeros((size + 4 * reach, size + 4 * reach), dtype=np.float32)
    # A strand that lies outside the image falls on the margin, which is cut off.
    for piece, (left, top) in zip(pieces, corner.clip(-reach, size + reach - 1) + reach, strict=True):
        target = layer[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        np.maximum(target, piece, out=target)
    return layer[2 * reach : 2 * reach + size, 2 * reach : 2 * reach + size]


def lungs(drawn: Chest, x, y, softness: float) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of the lungs above the diaphragm, and of the thoracic cavity with no regard to the diaphragm."""
    half, middle, side = 0.5 * drawn.chest_width, 0.08, np.abs(x)
    reach = np.where(side > CREST, np.float32(half - CREST), np.float32(CREST + 0.02))
    cavity = (np.hypot((side - CREST) / reach, np.minimum(y - middle, 0.0) / (middle - APEX)) - 1.0) * 0.27
    # The liver lifts the right dome above the left.
    depth = np.where(x < 0.0, np.float32(0.130), np.float32(0.105))
    lateral = np.maximum(side - CREST, 0.0) / (half - CREST)
    dome = drawn.angle_height - depth * (1.0 - lateral**2) + 0.6 * np.square(np.minimum(side - CREST, 0.0))
    floor = (y - dome) / np.sqrt(1.0 + np.square(2.0 * depth * lateral / (half - CREST)))
    inside = coverage(cavity, softness)
    return inside * coverage(floor, softness), inside


def bones(drawn: Chest, x, y, air, softness: float, rng: np.random.Generator) -> np.ndarray:
    """Attenuation of ribs, clavicles, shoulder blades and spine."""
    half, size = 0.5 * drawn.chest_width, len(x)
    u = np.abs(x) / half
    pitch = 0.084 + 0.008 * drawn.inspiration
    phase = rng.uniform(0.0, pitch)
    steep = 1.15 + 0.8 * np.maximum(-0.1 - y, 0.0)
    back = y - phase - steep * (0.045 * u + 0.095 * u * u * u)
    front = y - phase - 0.42 * pitch - 0.20 * np.square(1.0 - u) + 0.10 * u
    wave = [np.abs((v / pitch) % 1.0 - 0.5) * pitch for v in (back, front)]
    ribs = 0.060 * coverage(wave[0] - 0.012, 1.5 * softness) * coverage(0.14 - u, 0.1)
    ribs += 0.035 * coverage(wave[1] - 0.015, 1.8 * softness) * coverage(0.58 - u, 0.4) * coverage(-0.24 - y, 0.1)
    within = coverage((u - 1.0) * half - 0.018, 0.04) * coverage(APEX + 0.02 - y, 0.05)
    ribs *= drawn.rib_contrast * within * (0.25 + 0.75 * air)
    rise, turn = rng.uniform(0.0, 0.03), 0.022 * drawn.rotation
    shaft = np.array([(0.055, -0.300), (0.17, -0.335), (0.28, -0.375 - rise), (0.42, -0.385 - rise)])
    joints = np.stack([shaft, shaft * [-1.0, 1.0]]) + np.array([turn, 0.0])
    pieces = joints[:, :-1].reshape(-1, 2), joints[:, 1:].reshape(-1, 2)
    clavicles = strands(
        drawn, size, *pieces, np.array([(0.040, 0.028), (0.034, 0.028), (0.034, 0.024)] * 2), 1.3 * softness
    )
    blade = coverage(ellipse(np.abs(x), y, half + 0.03, -0.17, 0.06, 0.17, 0.25), 0.05)
    vertebrae = coverage(np.abs(x) - 0.036, 0.03) * (0.045 + 0.016 * np.cos(y * 100.0))
    return ribs + 0.11 * clavicles + 0.045 * blade + vertebrae


def heart(drawn: Chest, x, y, softness: float) -> np.ndarray:
    """Coverage of mediastinum and heart; their width is the cardiothoracic ratio times the chest width."""
    width = drawn.cardiothoracic_ratio * drawn.chest_width
    left, right = width * drawn.left_share, width * (1.0 - drawn.left_share)
    low, bulge = drawn.angle_height, drawn.roundness
    widest, waist = low - 0.130, 0.070 + 0.12 * max(drawn.cardiothoracic_ratio - 0.45, 0.0)
    upper, lower = waist + (left - waist) * (0.46 + 0.32 * bulge), waist + (left - waist) * (0.85 + 0.10 * bulge)
    heights = [-0.5, -0.34, -0.25, -0.185, -0.125, -0.05, 0.35 * widest, 0.66 * widest, widest, low, low + 0.08]
    lefts = [0.035, 0.050, 0.064, 0.090, 0.072, waist + 0.012, upper, lower, left, 0.85 * left, 0.5 * left]
    rights = [0.035, 0.050, 0.056, 0.058, 0.058, 0.060, 0.88 * right, right, 0.97 * right, 0.75 * right, 0.45 * right]
    edges = PchipInterpolator(heights, np.stack([lefts, rights], axis=1))(np.clip(AXIS, heights[0], heights[-1]))
    beyond = np.maximum(x - np.interp(y, AXIS, edges[:, 0]), -x - np.interp(y, AXIS, edges[:, 1]))
    return coverage((0.9 * beyond).astype(np.float32), softness)


def vessels(drawn: Chest, x, y, softness: float, rng: np.random.Generator) -> np.ndarray:
    """Attenuation of the hila and of the lung vessels that leave them."""
    angles = np.array([-1.25, -0.75, -0.2, 0.35, 0.8, 1.2]) + rng.normal(0.0, 0.10, (2, 6))
    lengths, bend = rng.uniform(0.13, 0.21, (2, 6, 1)), rng.normal(0.0, 0.15, (2, 6)) + 0.25 * np.sign(angles)
    way, centre = np.array([-1.0, 1.0]), np.array([HILUM, HILUM - 0.025])
    hila = 0.0
    for sign, height in zip(way.tolist(), centre.tolist(), strict=True):
        lean = x - sign * (0.085 + 0.25 * (y - height))
        hila = hila + 0.15 * np.exp(-np.square(lean / 0.032) - np.square((y - height) / 0.075))
    way, centre = way[:, None], centre[:, None]
    roots = np.stack([way * (0.085 + 0.02 * np.cos(angles)), centre + 0.05 * np.sin(angles)], axis=-1)
    middles = roots + 0.55 * lengths * np.stack([way * np.cos(angles), np.sin(angles)], axis=-1)
    tips = middles + 0.6 * lengths * np.stack([way * np.cos(angles + bend), np.sin(angles + bend)], axis=-1)
    joints = np.stack([roots, middles, tips]).reshape(3, -1, 2) + np.array([drawn.middle, 0.0])
    starts, ends = joints[:2].reshape(-1, 2), joints[1:].reshape(-1, 2)
    return hila + 0.065 * strands(
        drawn, len(x), starts, ends, np.repeat([(0.026, 0.016), (0.016, 0.010)], 12, axis=0), 2.0 * softness
    )


def fluid_cover(drawn: Chest, x, y) -> np.ndarray:
    """Coverage of pleural fluid: its upper edge is a meniscus that climbs along the lateral wall."""
    u = np.minimum(np.abs(x) / (0.5 * drawn.chest_width), 1.0)
    covered = np.zeros_like(x)
    for way, height in ((-1.0, drawn.right_fluid), (1.0, drawn.left_fluid)):
        if height:
            lateral = drawn.angle_height - height * (drawn.angle_height - APEX)
            drop = min(0.05 + 0.45 * height, 0.17)
            level = lateral + drop * (1.0 - np.square(u * u)) - 0.25 * drop * np.square(np.square(1.0 - u))
            covered += coverage(0.8 * (level - y), 0.03 + 0.03 * height) * (way * x > 0.0)
    return covered


def opacity_cover(drawn: Chest, x, y, softness: float, rng: np.random.Generator) -> np.ndarray:
    """Share of the air replaced by the airspace opacity; its air-filled bronchi stay dark."""
    phases, fan = rng.uniform(0.0, 6.28, 4).tolist(), rng.normal(0.0, 0.12, 2) + np.array([-0.5, 0.5])
    cx, cy = (np.array(LOBES[drawn.opacity_lobe]) + rng.normal(0.0, 0.018, 2)).tolist()
    radius = drawn.opacity_size
    dx, dy = x - cx, 1.1 * (y - cy)
    bearing = np.arctan2(dy, dx)
    wave = sum(a * np.cos(k * bearing + p) for a, k, p in zip((0.14, 0.10, 0.07), (2, 3, 5), phases, strict=False))
    cover = coverage(np.hypot(dx, dy) - radius * (1.0 + wave), 0.85 * radius)
    cover *= 0.95 + 0.05 * np.cos(25 * dx + 14 * dy + phases[3])
    # The minor fissure ends the upper and the middle lobe of the right lung with a straight edge.
    fissure = y + 0.045 + 0.10 * (x + 0.18)
    if drawn.opacity_lobe == "right upper lobe":
        cover *= coverage(fissure, 2.0 * softness)
    elif drawn.opacity_lobe == "right middle lobe":
        cover *= coverage(-fissure, 2.0 * softness)
    if drawn.air_bronchograms:
        root, fork = np.array([np.sign(cx) * 0.11, HILUM + 0.3 * (cy - HILUM)]), np.array([cx, cy])
        aim = np.arctan2(*(fork - root)[::-1]) + fan
        fork = fork - 0.25 * radius * np.array([cos(aim.mean()), sin(aim.mean())])
        tips = fork + 0.85 * radius * np.stack([np.cos(aim), np.sin(aim)], axis=1)
        widths = np.array([(0.030, 0.020), (0.022, 0.014), (0.022, 0.014)])
        bronchi = strands(drawn, len(x), [root, fork, fork], [fork, *tips], widths, 1.8 * softness)
        cover *= 1.0 - 0.5 * bronchi
    return (drawn.opacity_density * cover).astype(np.float32)


def render(drawn: Chest, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render one radiograph, uint8 of shape (size, size, 3), the three channels alike."""
    softness = max(1.3 / size, 0.016)
    px, py = grid(size)
    px, py = px - drawn.shift_x, py - drawn.shift_y
    c, s = cos(drawn.tilt) / drawn.zoom, sin(drawn.tilt) / drawn.zoom
    x, y = c * px + s * py, c * py - s * px
    side, half = np.abs(x), 0.5 * drawn.chest_width
    outline = SHOULDERS + FLANK * (half + 0.045 + 0.06 * drawn.habitus)
    steepness = np.interp(y, AXIS, np.hypot(1.0, np.gradient(outline, AXIS)))
    body = coverage(((side - np.interp(y, AXIS, outline)) / steepness).astype(np.float32), 0.09)
    film = body * (0.56 + 0.08 * drawn.habitus - 0.45 * np.square(x))
    air, cavity = lungs(drawn, x, y, 1.9 * softness)
    air *= 1.0 - fluid_cover(drawn, x, y)
    belly = np.maximum(cavity * (1.0 - air), body * coverage(drawn.angle_height + 0.02 - y, 0.12))
    water = WATER - 0.35 * np.square(x)
    film += belly * (water - film)
    film -= air * (0.37 - 0.05 * drawn.habitus + 0.03 * drawn.rotation * np.sign(x) - 0.6 * np.square(side - 0.22))
    film += air * vessels(drawn, x - drawn.middle, y, softness, rng)
    if drawn.breast:
        shadow = coverage(ellipse(side, y, 0.21, 0.12, 0.19, 0.20, 0.15), 0.06)
        film += 0.11 * drawn.breast * shadow * air * (0.8 + y)
    texture_rng, bone_rng = rng.spawn(2)
    if drawn.opacity_density:
        film += opacity_cover(drawn, x, y, softness, texture_rng) * air * (water - 0.02 - film)
    silhouette = heart(drawn, x - drawn.middle, y, 1.9 * softness)
    film += 0.96 * silhouette * (water + 0.02 - film)
    if drawn.gastric_bubble:
        scale = drawn.gastric_bubble
        gas = ellipse(x, y, 0.20, drawn.angle_height - 0.035, 0.075 * scale, 0.032 * scale, 0.12)
        film -= 0.20 * coverage(gas, 0.03) * (1.0 - air) * (drawn.left_fluid < BLUNTED)
    film += body * bones(drawn, x, y, air * (1.0 - silhouette), softness, bone_rng)
    forks = [(0.0, -0.58), (0.0, -0.43), (0.0, -0.28), (0.0, -0.13), (-0.065, -0.06), (0.075, -0.05)]
    tube = np.array(forks) + np.array([drawn.middle, 0.0])
    widths = np.array([(0.050, 0.046), (0.046, 0.042), (0.042, 0.038), (0.030, 0.018), (0.030, 0.018)])
    airway = strands(drawn, size, tube[[0, 1, 2, 3, 3]], tube[1:], widths, 1.8 * softness)
    film -= airway * np.where(y < -0.12, 0.15, 0.06)
    grey = drawn.exposure * np.clip(film, 0.0, 1.0) ** drawn.contrast
    return finish(np.repeat(grey[..., None], 3, axis=2).astype(np.float32), SENSOR_NOISE, rng)
