"""What is drawn for one chest radiograph phantom, by label."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from scipy.interpolate import PchipInterpolator

NAMES = {
    "no_finding": "no finding",
    "cardiomegaly": "cardiomegaly",
    "pleural_effusion": "pleural effusion",
    "consolidation": "consolidation",
}
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
