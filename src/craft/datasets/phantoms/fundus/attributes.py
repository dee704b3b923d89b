"""What is drawn for one fundus phantom, by label."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np


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
