"""What is drawn for one dermoscopy phantom, by label."""

from dataclasses import dataclass
from math import pi

import numpy as np

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
VISIBLE_SHARE = 0.03  # a smaller colour patch is below three pixels across at 64 px


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
