"""Biomarkers of colour fundus photographs: the lesions of diabetic retinopathy, counted and measured.

How absorbance is computed and what it tells stands in `craft.evaluation.biomarkers.retina`. Lengths are in diameters
of the illuminated field, areas in shares of the field, absorbances in natural units.
"""

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.measure import label, regionprops

from craft.evaluation.biomarkers.base import Biomarkers, Findings, Measure
from craft.evaluation.biomarkers.optic_disc import shows_disc
from craft.evaluation.biomarkers.retina import (
    BLUE,
    GREEN,
    RED,
    Curvature,
    Retina,
    disk,
    find_disc,
    find_vessels,
    measure_curvature,
    see_retina,
)
from craft.evaluation.biomarkers.vessel_tree import SCALES, find_tree

SPOT_SCALES = (0.004, 0.006, 0.009, 0.013, 0.018, 0.026)  # standard deviations; a spot's radius is 1.4 of them
VESSEL_SCALES = (0.006, 0.009, 0.013)
DARK = (-0.2, 1.6)  # range of green absorbance within which dark structures are looked for
DISC_RADIUS = 0.10  # of the disc with its bright margin
FOVEA_CONTRAST = 0.6  # of the darkest fovea
RIM = 0.02  # lesions nearer to the edge of the field are reflexes
SHADOW = 0.03  # width of the dark edge of the field
TANGLE, POOL, BAND = 0.60, 0.006, 0.14  # limits of redness, area and length beyond which a sign reaches off the retina

ICDR = "ICDR severity scale, Wilkinson et al. 2003"
ETDRS = "ETDRS report 10, 1991"
MEASURES = {
    "vessel_density": Measure("share of the field covered by vessels", "1", "Frangi et al. 1998"),
    "red_lesion_count": Measure("dot and blot haemorrhages and microaneurysms off the vessels", "1", ICDR),
    "red_lesion_area": Measure("share of the field covered by them", "1", ICDR),
    "bright_lesion_count": Measure("yellow spots outside the optic disc: hard exudates", "1", ETDRS),
    "pale_patch_count": Measure("soft white patches outside the optic disc: cotton wool spots", "1", ETDRS),
    "fibrous_length": Measure(
        "length of the longest white region outside the optic disc, 0 if there is none",
        "field diameters",
        "Diabetic Retinopathy Study report 3, 1979",
    ),
    "tangle_redness": Measure(
        "largest local excess of green over red absorbance: fine vessels crowded together", "1", "ETDRS report 12, 1991"
    ),
    "disc_tangle_redness": Measure(
        "the same within the optic disc and its margin", "1", "Diabetic Retinopathy Study report 3, 1979"
    ),
    "preretinal_area": Measure("share of the field covered by the largest pool of blood", "1", ICDR),
    "lesion_count": Measure("red lesions, bright lesions and pale patches together", "1", ETDRS),
    "extraretinal_ratio": Measure(
        "the largest of tangle redness, pool area and band length, each over its limit", "1", ICDR
    ),
}
STRUCTURES = {
    "field": "a round lit field with an edge, dark in the corners of the image",
    "disc": "one bright round area with an edge, in a fundus without another",
    "vessels": "long thin dark lines that run together at one place",
}


def keep_apart(spots: np.ndarray) -> np.ndarray:
    """The spots, given the clearest first, that do not lie within a clearer one."""
    apart = np.hypot(*(spots[:, None, k] - spots[None, :, k] for k in (0, 1)))
    within = apart <= 1.3 * np.maximum(spots[:, None, 2], spots[None, :, 2])
    kept = np.zeros(len(spots), dtype=bool)
    for k in range(len(spots)):
        kept[k] = not (within[k] & kept).any()
    return spots[kept]


def find_spots(values: np.ndarray, curvature: list[np.ndarray], sigmas: list[float], allowed: np.ndarray) -> np.ndarray:
    """Spots of high `values`: rows (row, column, sigma, contrast, strength), the clearest first.

    A spot is a maximum of the smallest curvature over place and scale. Its contrast is taken against the brighter part
    of a ring around it, so that a crossing of vessels, which leaves the ring in several places, has little.
    """
    stack = np.stack(curvature)
    strength = np.where(allowed, stack.max(axis=0), -1.0)
    peaks = peak_local_max(
        strength, min_distance=max(round(1.2 * sigmas[0]), 1), threshold_abs=0.012, exclude_border=False
    )
    if not len(peaks):
        return np.zeros((0, 5))
    row, column = peaks.T
    sigma = np.array(sigmas)[stack.argmax(axis=0)[row, column]]
    turn = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    soft = ndimage.gaussian_filter(values, 0.5 * sigmas[0])
    around = [place[:, None] + 2.2 * sigma[:, None] * wave(turn) for place, wave in ((row, np.sin), (column, np.cos))]
    ring = ndimage.map_coordinates(soft, around, order=1, mode="nearest")
    contrast = soft[row, column] - np.quantile(ring, 0.7, axis=1)
    spots = np.stack([row, column, sigma, contrast, strength[row, column]], axis=1)
    return keep_apart(spots[contrast > 0.03][np.argsort(-contrast[contrast > 0.03], kind="stable")])


def maybe_fovea(retina: Retina, spots: np.ndarray, disc: tuple[int, int]) -> np.ndarray:
    """Which spots are as wide, as faint and as far from the disc, towards the temple, as the fovea is."""
    temporal = np.sign(ndimage.center_of_mass(retina.field)[1] - disc[1])
    away = temporal * (spots[:, 1] - disc[1]) / retina.diameter
    level = np.abs(spots[:, 0] - disc[0]) / retina.diameter
    like = (spots[:, 2] > 0.015 * retina.diameter) & (spots[:, 3] < FOVEA_CONTRAST)
    return like & (away > 0.25) & (away < 0.50) & (level < 0.12)


def draw_spots(spots: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A boolean image with a disk for every spot."""
    image = np.zeros(shape, dtype=bool)
    for row, column, sigma, *_ in spots:
        reach = max(round(2.0**0.5 * sigma), 1)
        top, left = int(row) - reach, int(column) - reach
        window = image[max(top, 0) : top + 2 * reach + 1, max(left, 0) : left + 2 * reach + 1]
        part = disk(reach)[max(-top, 0) :, max(-left, 0) :]
        window |= part[: window.shape[0], : window.shape[1]]
    return image


def find_pool(retina: Retina) -> np.ndarray:
    """The largest wide region that absorbs red light too: pooled blood."""
    absorbance = retina.absorbance
    blood = (absorbance[..., RED] > 0.35) & (absorbance[..., GREEN] > 0.60) & retina.field
    parts, count = ndimage.label(ndimage.binary_opening(blood, disk(retina.pixels(0.02, 2))))
    if not count:
        return np.zeros_like(blood)
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    return parts == areas.argmax()


def find_pale(retina: Retina, whiteness: np.ndarray, allowed: np.ndarray) -> list:
    """White regions, as region properties; the smallest lengths and areas are those of a small cotton wool spot."""
    light = ndimage.gaussian_filter(-retina.absorbance[..., GREEN], 0.008 * retina.diameter)
    pale = ndimage.binary_opening((whiteness > 0.15) & (light > 0.10) & allowed)
    return [region for region in regionprops(label(pale)) if region.area > 0.0008 * retina.diameter**2]


def find_red(
    retina: Retina, curved: list[Curvature], sigmas: list[float], ridges, allowed, disc: tuple[int, int]
) -> np.ndarray:
    """Dots and blots, as rows of `find_spots`; `ridges` are the vessels and `curved` the curvatures at all scales."""
    green = retina.absorbance[..., GREEN]
    spots = find_spots(np.clip(green, *DARK), [each.smallest for each in curved], sigmas, allowed)
    row, column = spots[:, 0].astype(int), spots[:, 1].astype(int)
    # on a vessel only what is far darker than a crossing
    lesion = (ndimage.distance_transform_edt(~ridges)[row, column] > 0.01 * retina.diameter) | (spots[:, 3] > 0.65)
    lesion &= ~maybe_fovea(retina, spots, disc)
    return spots[lesion & (spots[:, 3] > max(0.08, 5 * grain(retina))) & (spots[:, 4] > 0.03)]


def find_bright(retina: Retina, sigmas: list[float], allowed: np.ndarray) -> np.ndarray:
    """Bright spots, as rows of `find_spots`."""
    light = np.clip(-retina.absorbance[..., GREEN], -0.3, 0.8)
    fine = [sigma for sigma in sigmas if sigma < 0.02 * retina.diameter]
    spots = find_spots(light, [measure_curvature(light, sigma).smallest for sigma in fine], fine, allowed)
    return spots[(spots[:, 3] > max(0.12, 5 * grain(retina))) & (spots[:, 4] > 0.04)]


def grain(retina: Retina) -> float:
    """Typical fine texture of the green absorbance, below which a spot is not told from chance."""
    green = retina.absorbance[..., GREEN]
    fine = np.abs(green - ndimage.gaussian_filter(green, 0.01 * retina.diameter))
    return float(np.median(fine[retina.field]))


def vessel_redness(retina: Retina) -> np.ndarray:
    """Local excess of green over twice the red absorbance: fine vessels let red light pass, pooled blood does not."""
    green, red = (np.clip(retina.absorbance[..., channel], -1, 2) for channel in (GREEN, RED))
    return ndimage.gaussian_filter(green - 2 * red, 0.012 * retina.diameter, truncate=3)


def find_structures(retina: Retina, ridges: np.ndarray, scales: list[Curvature]) -> frozenset[str]:
    """Which of `STRUCTURES` there are.

    Args:
        retina: the photograph.
        ridges: largest curvature of its green absorbance at all scales of vessels, (height, width).
        scales: its curvature at the scales of `craft.evaluation.biomarkers.vessel_tree`.
    """
    tree = find_tree(retina, *scales)
    found = {"field": retina.is_round, "disc": shows_disc(retina, ridges, tree), "vessels": tree is not None}
    return frozenset(name for name, there in found.items() if there)


def measure_retina(retina: Retina) -> tuple[dict[str, float], frozenset[str], dict[str, np.ndarray]]:
    """All measures of a retina, the anatomical structures that it shows, and masks of what was measured."""
    field, diameter, inside = retina.field, retina.diameter, retina.inside(RIM)
    sigmas = sorted({max(scale * diameter, 1.0) for scale in SPOT_SCALES})
    curved = [measure_curvature(np.clip(retina.absorbance[..., GREEN], *DARK), sigma) for sigma in sigmas]
    ridge_sigmas = {max(scale * diameter, 1.0) for scale in VESSEL_SCALES}
    strongest = np.max([curved[sigmas.index(sigma)].largest for sigma in ridge_sigmas], axis=0)
    ridges = find_vessels(retina, strongest)
    found = find_structures(retina, strongest, [curved[sigmas.index(max(s * diameter, 1.0))] for s in SCALES])
    # the shadow along the edge of the field is a ridge, and no vessel
    vessels = ridges & retina.inside(SHADOW)
    centre = find_disc(retina, vessels)
    rows, columns = np.ogrid[: field.shape[0], : field.shape[1]]
    from_disc = np.hypot(rows - centre[0], columns - centre[1]) / diameter
    disc = from_disc < DISC_RADIUS

    pool, redness = find_pool(retina), vessel_redness(retina)
    tangle, pooled = (redness > TANGLE) & field, retina.share(pool)
    other = ndimage.binary_dilation(tangle | (pool & (pooled > POOL)), disk(retina.pixels(0.02, 2)))
    whiteness = ndimage.gaussian_filter(retina.absorbance[..., GREEN] - retina.absorbance[..., BLUE], 0.008 * diameter)
    red = find_red(retina, curved, sigmas, ridges, inside & ~disc & ~other, centre)
    bright = find_bright(retina, sigmas, inside & ~disc & (whiteness < 0.15))
    pale = find_pale(retina, whiteness, inside & ~disc)
    lengths = [region.axis_major_length / diameter for region in pale]
    patches, band = sum(length < BAND for length in lengths), max(lengths, default=0.0)

    red_spots = draw_spots(red, field.shape)
    white = np.zeros_like(field)
    for region in pale:
        white[tuple(region.coords.T)] = True
    values = {
        "vessel_density": retina.share(vessels),
        "red_lesion_count": len(red),
        "red_lesion_area": retina.share(red_spots),
        "bright_lesion_count": len(bright),
        "pale_patch_count": patches,
        "fibrous_length": band,
        "tangle_redness": float(redness[field].max()),
        "disc_tangle_redness": redness[field & (from_disc < 1.1 * DISC_RADIUS)].max(),
        "preretinal_area": pooled,
        "lesion_count": len(red) + len(bright) + patches,
    }
    values["extraretinal_ratio"] = max(values["tangle_redness"] / TANGLE, pooled / POOL, band / BAND)
    masks = {
        "vessels": vessels,
        "red lesions": red_spots | pool | tangle,
        "bright lesions": draw_spots(bright, field.shape),
        "pale patches": white,
        "disc": disc & field,
    }
    return {name: float(value) for name, value in values.items()}, found, masks


def measure(image: np.ndarray) -> Findings:
    """Measure one fundus photograph; everything is NaN where nothing is illuminated.

    Args:
        image: uint8 of shape (height, width, 3), height and width at least 16.
    """
    retina = see_retina(image)
    if retina is None:
        return Findings(dict.fromkeys(MEASURES, float("nan")))
    values, found, masks = measure_retina(retina)
    return Findings(values, found, masks)


BIOMARKERS = Biomarkers("fundus", MEASURES, STRUCTURES, measure)
