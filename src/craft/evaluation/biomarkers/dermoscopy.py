"""Biomarkers of dermoscopy: the ABCD rule's asymmetry, border and colours, and the structures of pattern analysis.

Lengths are in pixels of an image whose shorter side is `lesion.SIDE` pixels. Colour differences are Euclidean in CIE
L*a*b* (CIE 1976). Absorbance is -ln(colour / skin colour), in which melanin and blood add up (Tsumura et al. 1999).
"""

import warnings

import numpy as np
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab
from skimage.feature import peak_local_max
from skimage.measure import find_contours

from craft.evaluation.biomarkers.base import Biomarkers, Findings, Measure
from craft.evaluation.biomarkers.lesion import SkinLesion, segment_lesion, shows_lesion

STOLZ = "ABCD rule of dermatoscopy, Stolz et al. 1994"
SEVEN_POINT = "Seven-point checklist, Argenziano et al. 1998"
TWO_STEP = "Two-step algorithm of dermoscopy, Argenziano et al. 2003"
MEASURES = {
    "lesion_area": Measure("share of the visible field that the lesion covers", "1", STOLZ),
    "asymmetry": Measure(
        "mean colour difference between the lesion and its mirror images about both principal axes", "CIE L*a*b*", STOLZ
    ),
    "shape_asymmetry": Measure(
        "area in which the outline and its mirror images about both principal axes differ, over twice the lesion area",
        "1",
        STOLZ,
    ),
    "border_irregularity": Measure(
        "standard deviation of the outline's radius in waves of 5 to 11 a turn, over the mean radius", "1", STOLZ
    ),
    "border_abruptness": Measure(
        "standard deviation over eight segments of the colour step across the border", "CIE L*a*b*", STOLZ
    ),
    "edge_sharpness": Measure(
        "colour step within three pixels across the outline, over the contrast of lesion and skin",
        "1",
        "Dermoscopy of seborrheic keratosis, Braun et al. 2002",
    ),
    "colour_variety": Measure("spread of a* and b* within the lesion", "CIE L*a*b*", STOLZ),
    "colour_count": Measure("number of the six colours of the ABCD rule that cover 3 % or more", "1", STOLZ),
    "blue_grey_share": Measure("share of the lesion that is blue-grey", "1", SEVEN_POINT),
    "black_share": Measure("share of the lesion that is black on fair skin", "1", SEVEN_POINT),
    "red_share": Measure("share of the lesion that is red", "1", STOLZ),
    "white_share": Measure("share of the lesion that is lighter than its surroundings and pale", "1", SEVEN_POINT),
    "pattern_unevenness": Measure(
        "spread over the lesion of the local contrast of lines and dots, in absorbance", "1", SEVEN_POINT
    ),
    "streakiness": Measure(
        "radius of narrow bumps of the outline that crowd in one third of it, over the mean radius", "1", SEVEN_POINT
    ),
    "cyst_count": Measure("number of small round bright dots", "1", TWO_STEP),
    "opening_contrast": Measure("strength of the small round spots that absorb red light too", "1", TWO_STEP),
}
STRUCTURES = {"lesion": "an area of another colour than the skin around it, with an edge"}
# Named colours as they look on fair skin, sRGB; a colour may have two shades.
FAIR = np.array((0.90, 0.73, 0.64), dtype=np.float32)
PALETTE = {
    "white": ((0.88, 0.78, 0.74), (0.97, 0.90, 0.85)),
    "red": ((0.62, 0.24, 0.21), (0.75, 0.36, 0.36)),
    "light_brown": ((0.68, 0.46, 0.36), (0.78, 0.57, 0.46)),
    "dark_brown": ((0.47, 0.26, 0.18),),
    "blue_grey": ((0.50, 0.52, 0.58), (0.33, 0.36, 0.45)),
    "black": ((0.26, 0.12, 0.08), (0.12, 0.10, 0.10)),
}
SHADES = rgb2lab(np.array([shade for shades in PALETTE.values() for shade in shades])[None])[0]
OWNER = np.array([colour for colour, shades in enumerate(PALETTE.values()) for _ in shades])
VISIBLE = 0.03  # share of the lesion from which a colour counts
PALE, PALE_WIDTH = (60.0, 16.0), 3  # L* above and chroma below which fair skin is scarred; narrower areas are cysts
BLUE, BLUE_LIGHTNESS = 5.0, (20.0, 60.0)  # b* below which a pixel of that lightness is blue-grey
COARSEST = 40  # an image of fewer pixels per side shows no dots and lines


def measure(image: np.ndarray) -> Findings:
    """Measure one dermoscopy image, uint8 of shape (height, width, 3).

    All values are NaN where there is no lesion; those of dots and lines also in an image below 40 pixels.
    """
    values = dict.fromkeys(MEASURES, float("nan"))
    lesion = segment_lesion(image)
    if lesion is None:
        return Findings(values)
    with warnings.catch_warnings():
        # a skin colour below a wide lesion may be extrapolated to one that no screen shows
        warnings.simplefilter("ignore", UserWarning)
        skin = lab2rgb(lesion.skin)
    absorbance = -np.log(np.clip(lesion.rgb, 0.02, 1.0) / np.clip(skin, 0.08, 1.0))
    values["lesion_area"] = lesion.mask.sum() / lesion.field.sum()
    values |= asymmetries(lesion) | borders(lesion) | colours(lesion, absorbance)
    if min(image.shape[:2]) >= COARSEST:
        values |= structures(lesion, absorbance)
    found = frozenset(STRUCTURES if shows_lesion(lesion) else ())
    return Findings({name: float(value) for name, value in values.items()}, found, {"lesion": lesion.mask})


def centre_and_axis(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Centroid (row, column) and direction of the long principal axis in radians."""
    points = np.stack(np.nonzero(mask)).astype(float)
    _, vectors = np.linalg.eigh(np.cov(points))
    return points.mean(axis=1), float(np.arctan2(vectors[0, 1], vectors[1, 1]))


def mirror(channels: np.ndarray, centre: np.ndarray, angle: float) -> np.ndarray:
    """Mirror image of every channel (rows, columns, n) about the line through `centre` at `angle`."""
    axis = np.array([np.sin(angle), np.cos(angle)])
    matrix = 2.0 * np.outer(axis, axis) - np.eye(2)
    offset = centre - matrix @ centre
    return np.stack([ndimage.affine_transform(c, matrix, offset, order=1) for c in np.moveaxis(channels, -1, 0)], -1)


def asymmetries(lesion: SkinLesion) -> dict[str, float]:
    """Asymmetry of shape, and of colour and shape together: what lies outside the lesion has the colour of skin."""
    smooth = ndimage.gaussian_filter(lesion.lab, (1.5, 1.5, 0)) - lesion.skin
    channels = np.dstack([np.where(lesion.mask[..., None], smooth, 0.0), lesion.mask.astype(np.float32)])
    centre, angle = centre_and_axis(lesion.mask)
    shape, colour = [], []
    for turn in (0.0, np.pi / 2):
        mirrored = mirror(channels, centre, angle + turn)
        other = mirrored[..., 3] > 0.5
        shape.append((other ^ lesion.mask).sum() / (2.0 * lesion.mask.sum()))
        colour.append(np.linalg.norm(channels - mirrored, axis=-1)[other | lesion.mask].mean())
    return {"asymmetry": np.mean(colour), "shape_asymmetry": np.mean(shape)}


def outline(lesion: SkinLesion, level: float, bins: int = 120) -> np.ndarray:
    """Radius of the lesion's outermost contour in `bins` directions, where its contrast to the skin is `level`."""
    difference = np.linalg.norm(ndimage.gaussian_filter(lesion.lab, (0.8, 0.8, 0)) - lesion.skin, axis=-1)
    limit = level * np.median(difference[lesion.mask])
    body = ndimage.binary_fill_holes(ndimage.binary_dilation(lesion.mask, iterations=4) & (difference > limit))
    pieces, count = ndimage.label(body)
    if count:
        body = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    centre = [indices.mean() for indices in np.nonzero(body)]
    # filled holes have no contour of their own
    filled = np.where(ndimage.binary_erosion(body), np.maximum(difference, 2.0 * limit), difference)
    near = np.where(ndimage.binary_dilation(body, iterations=2), filled, 0.0)
    down, across = (max(find_contours(np.pad(near, 1), limit), key=len) - 1.0 - centre).T
    sector = ((np.arctan2(down, across) + np.pi) / (2 * np.pi) * bins).astype(int) % bins
    radius = np.full(bins, -1.0)
    np.maximum.at(radius, sector, np.hypot(down, across))
    known = np.flatnonzero(radius >= 0)
    return np.interp(np.arange(bins), known, radius[known], period=bins)


def borders(lesion: SkinLesion) -> dict[str, float]:
    """Irregularity of the outline, abruptness by segment, and sharpness of the edge."""
    radius = outline(lesion, 0.5)
    waves = np.abs(np.fft.rfft(radius))
    inside = ndimage.distance_transform_edt(np.pad(lesion.mask, 1))[1:-1, 1:-1]
    outside = np.where(lesion.field, ndimage.distance_transform_edt(~lesion.mask), np.inf)
    band = 2.0 * max(2.0, 0.12 * radius.mean())
    centre, _ = centre_and_axis(lesion.mask)
    rows, columns = np.indices(lesion.mask.shape)
    segment = ((np.arctan2(rows - centre[0], columns - centre[1]) + np.pi) / (np.pi / 4)).astype(int) % 8

    def step(depth: float, where: np.ndarray) -> float:
        """Colour step between the bands of a depth on both sides of the outline."""
        within = lesion.lab[lesion.mask & (inside <= depth) & where]
        beyond = lesion.lab[~lesion.mask & (outside <= depth) & where]
        return float(np.linalg.norm(within.mean(0) - beyond.mean(0))) if min(len(within), len(beyond)) > 3 else np.nan

    steps = np.array([step(band, segment == k) for k in range(8)])
    return {
        "border_irregularity": np.sqrt(2.0 * np.square(waves[5:12]).sum()) / waves[0],
        "border_abruptness": np.nanstd(steps) if np.isfinite(steps).sum() > 3 else np.nan,
        "edge_sharpness": step(1.5, lesion.field) / lesion.contrast,
    }


def interior(mask: np.ndarray, depth: int) -> np.ndarray:
    """The mask without its rim, or all of it where little would be left."""
    core = ndimage.binary_erosion(mask, iterations=depth)
    return core if core.sum() >= 30 else mask


def colours(lesion: SkinLesion, absorbance: np.ndarray) -> dict[str, float]:
    """Spread of colours, and the shares of the palette's colours as they would look on fair skin."""
    core = interior(lesion.mask, 2)
    tint = ndimage.gaussian_filter(lesion.lab, (1.0, 1.0, 0))[core]
    lightness, _, yellow = tint.T
    blue = (yellow < BLUE) & (lightness > BLUE_LIGHTNESS[0]) & (lightness < BLUE_LIGHTNESS[1])
    on_fair = rgb2lab(np.clip(FAIR * np.exp(-ndimage.gaussian_filter(absorbance, (0.7, 0.7, 0))), 0.0, 1.0))
    nearest = OWNER[np.square(on_fair[core][:, None] - SHADES).sum(-1).argmin(-1)]
    pale = (on_fair[..., 0] > PALE[0]) & (np.hypot(on_fair[..., 1], on_fair[..., 2]) < PALE[1])
    scar = ndimage.binary_opening(pale, iterations=PALE_WIDTH) & core
    shares = dict(zip(PALETTE, np.bincount(nearest, minlength=len(PALETTE)) / core.sum(), strict=True))
    return {
        "colour_variety": np.sqrt(tint[:, 1:].var(axis=0).sum()),
        "colour_count": sum(share >= VISIBLE for share in shares.values()),
        "blue_grey_share": blue.mean(),
        "black_share": shares["black"],
        "red_share": shares["red"],
        "white_share": scar.sum() / core.sum(),
    }


def blurred(values: np.ndarray, mask: np.ndarray, width: float) -> np.ndarray:
    """Gaussian mean of what lies in the mask."""
    weight = np.maximum(ndimage.gaussian_filter(mask, width), 1e-3)
    return ndimage.gaussian_filter(values * mask, width) / weight


def blobs(values: np.ndarray, mask: np.ndarray, width: float = 1.5) -> np.ndarray:
    """Laplacian of Gaussian of the lesion, positive at round maxima of `width` (Lindeberg 1998)."""
    filled = ndimage.gaussian_filter(np.where(mask, values, np.median(values[mask])), 0.5)
    return -(width**2) * ndimage.gaussian_laplace(filled, width)


def structures(lesion: SkinLesion, absorbance: np.ndarray) -> dict[str, float]:
    """Dots, plugs, streaks and the unevenness of the pattern."""
    core, body = interior(lesion.mask, 2), lesion.mask.astype(np.float32)
    on_fair = rgb2lab(np.clip(FAIR * np.exp(-absorbance), 0.0, 1.0))[..., 0] / 100.0
    pearls = peak_local_max(
        blobs(on_fair, core), min_distance=2, threshold_abs=0.1, labels=core.astype(int), exclude_border=False
    )
    plugs = np.sort(np.maximum(blobs(absorbance[..., 0], core)[core], 0.0))
    total = absorbance.mean(axis=-1)
    pattern = blurred(total, body, 1.0) - blurred(total, body, 3.0)
    local = np.sqrt(np.maximum(blurred(np.square(pattern), body, 5.0), 0.0))
    radius = outline(lesion, 0.35)
    bumps = ndimage.gaussian_filter1d(radius, 1, mode="wrap") - ndimage.gaussian_filter1d(radius, 6, mode="wrap")
    crowded = ndimage.uniform_filter1d(np.square(np.maximum(bumps, 0.0)), len(radius) // 3, mode="wrap")
    return {
        "pattern_unevenness": local[interior(lesion.mask, 3)].std(),
        "streakiness": np.sqrt(crowded.max()) / radius.mean(),
        "cyst_count": len(pearls),
        "opening_contrast": plugs[-30:].mean(),
    }


BIOMARKERS = Biomarkers("dermoscopy", MEASURES, STRUCTURES, measure)
