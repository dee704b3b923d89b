"""Phantom of the frontal chest radiograph: an upright thorax seen from the front, air dark and tissue white.

Drawing is in body coordinates: the spine at x = 0, y down, the patient's left at positive x as on a viewing box. The
layers add up to an attenuation between 0 (air) and 1 (bone) that a film curve turns into grey.
"""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from scipy.interpolate import PchipInterpolator

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.canvas import coverage, ellipse, finish, grid

NAMES = {
    "no_finding": "no finding",
    "cardiomegaly": "cardiomegaly",
    "pleural_effusion": "pleural effusion",
    "consolidation": "consolidation",
}
SENSOR_NOISE = 0.005
APEX, HILUM = -0.42, 0.0  # heights of the lung apex and of the hila
CREST = 0.16  # distance of the top of a diaphragm dome from the midline
WATER = 0.76  # attenuation of heart, fluid and airless lung alike, which is why they hide each other's borders
LOBES = {
    "right upper lobe": (-0.20, -0.21),
    "right middle lobe": (-0.18, 0.09),
    "right lower lobe": (-0.24, 0.14),
    "left upper lobe": (0.20, -0.19),
    "lingula": (0.25, 0.05),
    "left lower lobe": (0.27, 0.15),
}
AXIS = np.linspace(-0.8, 0.8, 161)
SHOULDERS = PchipInterpolator([-0.8, -0.56, -0.48, -0.40, -0.30, -0.10, 0.8], [0.16, 0.17, 0.26, 0.47, 0.40, 0.06, 0.0])
FLANK = PchipInterpolator([-0.8, -0.40, -0.10, 0.8], [0.0, 0.0, 1.0, 1.0])
SHOULDERS, FLANK = SHOULDERS(AXIS), FLANK(AXIS)  # half-width of the body: shoulders plus flank times chest wall
BLUNTED, HIDDEN = 0.06, 0.20  # fluid heights from which an angle is blunt and a dome out of sight


@dataclass(frozen=True)
class Chest:
    """Drawn attributes of one chest radiograph; lengths in image sides at zoom 1, left and right are the patient's.

    Attributes:
        label: label key.
        zoom: magnification of the body.
        shift_x, shift_y: displacement of the body in the image.
        tilt: rotation in the image plane, radians.
        chest_width: widest inner width of the thorax.
        inspiration: 0 shallow (high diaphragm) to 1 deep.
        rotation: turn of the patient about the long axis, -1 to 1.
        habitus: soft tissue around the thorax, 0 slim to 1 large.
        breast: density of the breast shadows over the lower zones, 0 if none.
        exposure: brightness of the film, about 1.
        contrast: exponent of the film curve, about 1.
        cardiothoracic_ratio: widest heart width over widest inner chest width.
        left_share: share of the heart width that lies left of the midline.
        roundness: bulge of the left heart border, 0 straight to 1 globular.
        right_fluid, left_fluid: height of pleural fluid at the lateral wall as a share of the lung height, 0 if none.
        mediastinal_shift: displacement of mediastinum and trachea, positive to the left.
        opacity_lobe: where the airspace opacity lies.
        opacity_density: share of the air that it replaces, 0 if there is none.
        opacity_size: mean radius of the opacity, 0 if there is none.
        air_bronchograms: whether dark air-filled bronchi are seen in it.
        rib_contrast: visibility of the ribs.
        gastric_bubble: size of the gas bubble below the left dome, 0 if not seen.
    """

    label: str
    zoom: float
    shift_x: float
    shift_y: float
    tilt: float
    chest_width: float
    inspiration: float
    rotation: float
    habitus: float
    breast: float
    exposure: float
    contrast: float
    cardiothoracic_ratio: float
    left_share: float
    roundness: float
    right_fluid: float
    left_fluid: float
    mediastinal_shift: float
    opacity_lobe: str
    opacity_density: float
    opacity_size: float
    air_bronchograms: bool
    rib_contrast: float
    gastric_bubble: float

    @property
    def fluid(self) -> float:
        """The larger of the two fluid heights."""
        return max(self.right_fluid, self.left_fluid)

    @property
    def angle_height(self) -> float:
        """Height of the costophrenic angles."""
        return 0.30 + 0.08 * self.inspiration

    @property
    def apex_gap(self) -> float:
        """Distance of the cardiac apex from the left inner chest wall."""
        return self.chest_width * (0.5 - self.cardiothoracic_ratio * self.left_share) - self.middle

    @property
    def middle(self) -> float:
        """Midline of heart, trachea and hila: pushed by fluid and turned with the patient."""
        return self.mediastinal_shift + 0.012 * self.rotation

    def to_image(self, points) -> np.ndarray:
        """Body coordinates (n, 2) to image coordinates."""
        c, s = self.zoom * cos(self.tilt), self.zoom * sin(self.tilt)
        moved = np.asarray(points) @ np.array([[c, s], [-s, c]]) + [self.shift_x, self.shift_y]
        return moved.astype(np.float32)


def draw(label: str, rng: np.random.Generator) -> Chest:
    """Draw the attributes of one chest."""
    large = label == "cardiomegaly"
    ratio = rng.normal(0.575, 0.040) if large else rng.normal(0.455, 0.029)
    ratio = float(np.clip(ratio, *((0.50, 0.70) if large else (0.38, 0.54))))
    # Outside its own label a little fluid, a thickened pleura or a faint patch is common and not the finding.
    fluid = {"right": 0.0, "left": 0.0}
    sides = ("right", "left") if rng.random() < 0.25 else (str(rng.choice(["right", "left"])),)
    for side in sides:
        traces = 0.11 * rng.beta(1.2, 2.2) if rng.random() < 0.5 else 0.0
        fluid[side] = 0.05 + 0.62 * rng.beta(1.4, 1.6) if label == "pleural_effusion" else traces
        fluid[side] = float(fluid[side]) if fluid[side] > 0.02 else 0.0
    faint = 0.33 * rng.beta(1.3, 1.6) if rng.random() < 0.35 else 0.0
    density = 0.22 + 0.70 * rng.beta(1.6, 1.2) if label == "consolidation" else faint
    # Fluid above the dome would hide a faint patch.
    density = float(density) if density > 0.08 and max(fluid.values()) < HIDDEN else 0.0
    pushed = 0.18 * max(max(fluid.values()) - 0.35, 0.0) if min(fluid.values()) < 0.1 else 0.0
    away = 1.0 if fluid["right"] > fluid["left"] else -1.0
    size = rng.uniform(0.080, 0.175) if label == "consolidation" else rng.uniform(0.06, 0.12)
    return Chest(
        label=label,
        zoom=float(rng.uniform(0.93, 1.06)),
        shift_x=float(rng.normal(0.0, 0.015)),
        shift_y=float(rng.normal(0.0, 0.015)),
        tilt=float(rng.normal(0.0, 0.025)),
        chest_width=float(rng.uniform(0.72, 0.83)),
        inspiration=float(rng.beta(2.5, 2.0)),
        rotation=float(np.clip(rng.normal(0.0, 0.35), -1.0, 1.0)),
        habitus=float(rng.beta(1.6, 2.0)),
        breast=float(rng.beta(2.0, 2.0)) if rng.random() < 0.45 else 0.0,
        exposure=float(rng.normal(1.0, 0.05)),
        contrast=float(rng.uniform(0.85, 1.2)),
        cardiothoracic_ratio=ratio,
        left_share=float(rng.uniform(0.61, 0.70)),
        roundness=float(np.clip(4.0 * (ratio - 0.40) + rng.normal(0.0, 0.16), 0.0, 1.0)),
        right_fluid=fluid["right"],
        left_fluid=fluid["left"],
        mediastinal_shift=away * float(pushed),
        opacity_lobe=str(rng.choice(list(LOBES))),
        opacity_density=density,
        opacity_size=float(size) if density else 0.0,
        air_bronchograms=bool(rng.random() < 0.6) and density > 0.45 and size > 0.09,
        rib_contrast=float(rng.uniform(0.6, 1.0)),
        gastric_bubble=float(rng.uniform(0.4, 1.0)) if rng.random() < 0.6 else 0.0,
    )


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


OPENINGS = ("frontal chest radiograph", "chest radiograph", "chest x-ray", "frontal chest x-ray")


def heart_signs(drawn: Chest) -> list[str]:
    """What is seen of the heart, the leading sign first; nothing if fluid hides it."""
    if drawn.left_fluid > 0.35:
        return []
    ratio = drawn.cardiothoracic_ratio
    if ratio < 0.50:
        seen = ["a heart of normal size", "a heart narrower than half of the chest"]
    elif ratio < 0.52:
        seen = ["a heart of borderline size"]
    elif ratio < 0.56:
        seen = ["a mildly enlarged heart", "a heart wider than half of the chest"]
    else:
        seen = ["an enlarged heart", "a heart wider than half of the chest"]
    if drawn.apex_gap < 0.11:
        seen.append("an apex close to the left chest wall")
    elif drawn.apex_gap > 0.14:
        seen.append("an apex far from the left chest wall")
    if drawn.roundness > 0.6:
        seen.append("a bulging left heart border")
    elif drawn.roundness < 0.3:
        seen.append("a gently curved left heart border")
    return seen


def fluid_signs(drawn: Chest) -> list[str]:
    """What is seen of pleura and diaphragm, the leading sign first."""
    height = drawn.fluid
    if height < 0.03:
        return ["sharp costophrenic angles", "no fluid meniscus", "two clearly outlined diaphragm domes"]
    both = min(drawn.right_fluid, drawn.left_fluid) >= BLUNTED
    side = "on both sides" if both else "on the right" if drawn.right_fluid == height else "on the left"
    if height < 0.09:
        return [f"a slightly blunted costophrenic angle {side}", "no fluid meniscus"]
    seen = [f"a blunted costophrenic angle {side}"]
    if height > HIDDEN:
        amount = "large " if height > 0.45 else ""
        hidden = ["a diaphragm dome hidden by fluid", f"a white lung base {side}"]
        seen = [f"a {amount}fluid meniscus {side}", *hidden, *seen]
    elif height > 0.11:
        seen.append(f"a small fluid meniscus {side}")
    if abs(drawn.mediastinal_shift) > 0.012:
        seen.append("a heart pushed to the other side")
    return seen


def lung_signs(drawn: Chest) -> list[str]:
    """What is seen of the lungs, the leading sign first."""
    density = drawn.opacity_density
    if not density:
        return ["no airspace opacity", "clear dark lungs"][: 2 if drawn.fluid < HIDDEN else 1]
    where = f"in the {drawn.opacity_lobe}"
    if density < 0.3:
        return [f"a faint patch {where}"]
    kind = "hazy" if density < 0.5 else "white"
    extent = "large " if drawn.opacity_size > 0.14 else "small " if drawn.opacity_size < 0.10 else ""
    bronchi = "dark air bronchograms" if drawn.air_bronchograms else "no air bronchograms"
    return [f"a {extent}{kind} airspace opacity {where}", bronchi, "a lung zone whiter than the other side"]


def describe(drawn: Chest, rng: np.random.Generator) -> str:
    """Caption of at most 28 words: the label, its leading signs and what else is seen or stated as absent."""
    link = str(rng.choice(["with", "showing"]))
    words = [f"{rng.choice(OPENINGS)} {link} {NAMES[drawn.label]}"]
    groups = [heart_signs(drawn), fluid_signs(drawn), lung_signs(drawn)]
    own = {"cardiomegaly": 0, "pleural_effusion": 1, "consolidation": 2}.get(drawn.label)
    if own is None:
        signs = [str(rng.choice(group)) for group in groups]
    else:
        first, *rest = groups.pop(own)
        signs = [first, *rng.permutation(rest)[: int(rng.integers(1, 3))]]
        signs += [str(rng.choice(groups[k][:2])) for k in rng.permutation(2)[: int(rng.integers(1, 3))] if groups[k]]
    while len(", ".join(words + signs).split()) > 28 or len(signs) > 4:
        signs.pop()
    return ", ".join(words + [str(signs[k]) for k in rng.permutation(len(signs))])


MODALITY = Modality(
    name="chest_xray",
    labels=tuple(NAMES),
    coarse_captions=(
        "a frontal chest radiograph",
        "a chest x-ray with lungs, ribs and heart",
        "a posteroanterior radiograph of the chest",
        "a grey x-ray image of the thorax",
    ),
    draw=draw,
    render=render,
    describe=describe,
)
