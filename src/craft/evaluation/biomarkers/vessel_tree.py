"""Where in a fundus photograph the vessels run together, if it shows their tree: long thin dark lines.

Blots make ridges too, and chains of blots long ones, but these wind, are wide, and converge nowhere.
"""

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from craft.evaluation.biomarkers.retina import Curvature, Retina

SCALES = (0.009, 0.013)  # standard deviations of the blurs, the finer one first
THIN = 1.8  # ratio of the curvatures at both scales above which a line is too wide for a vessel
FAINT, CLEAR = 0.03, 0.05  # curvature of a line, and that which a quarter of it has
LINE = 0.4  # ratio of the smaller to the larger curvature above which it is a spot
REACH, STRAIGHT = 0.05, 0.6  # distance over which a line keeps its direction, and how well, 1 perfectly
LONG = 0.15  # extent of the shortest piece of a vessel
LENGTH, CONVERGENCE = 0.60, 0.40  # of all vessels together, and of what runs towards one place less what passes by


def find_tree(retina: Retina, fine: Curvature, coarse: Curvature) -> tuple[int, int] | None:
    """Row and column of the place where the vessels run together; None where there are too few, or no such place.

    Args:
        retina: the photograph.
        fine, coarse: curvature of its green absorbance at both `SCALES`.
    """
    lines, direction = find_lines(retina, fine, coarse)
    rows, columns = np.nonzero(lines)
    if len(rows) < LENGTH * retina.diameter:
        return None
    length, place = convergence(retina, rows, columns, direction[rows, columns])
    return place if length >= CONVERGENCE else None


def find_lines(retina: Retina, fine: Curvature, coarse: Curvature) -> tuple[np.ndarray, np.ndarray]:
    """Centre lines of the vessels, boolean (height, width), and twice the angle of every pixel's line, complex."""
    wider = coarse.largest > fine.largest
    largest = np.where(wider, coarse.largest, fine.largest)
    smallest = np.where(wider, coarse.smallest, fine.smallest)
    direction = np.where(wider, coarse.direction, fine.direction)
    ridge = (largest > FAINT) & (smallest < LINE * largest) & (coarse.largest < THIN * fine.largest)
    ridge &= retina.inside(0.03)
    weight = np.where(ridge, np.minimum(largest, 0.1), 0.0)
    width = REACH * retina.diameter
    around, down, across = (
        ndimage.gaussian_filter(values, width, truncate=2.5)
        for values in (weight, weight * direction.real, weight * direction.imag)
    )
    ridge &= np.hypot(down, across) > STRAIGHT * around
    parts, _ = ndimage.label(ridge, np.ones((3, 3)))
    kept = [False]
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        long = np.hypot(*(side.stop - side.start for side in box)) > LONG * retina.diameter
        kept.append(bool(long and (largest[box][parts[box] == number] > CLEAR).mean() > 0.25))
    return skeletonize(np.array(kept)[parts]), direction


def convergence(
    retina: Retina, rows: np.ndarray, columns: np.ndarray, direction: np.ndarray
) -> tuple[float, tuple[int, int]]:
    """Length of the lines near a place that run towards it less that of those that pass by, at the best place.

    Args:
        retina: the photograph.
        rows, columns: pixels of the lines, shape (n,).
        direction: twice the angle of the line in every pixel, complex, shape (n,).

    Returns:
        A length in field diameters, and row and column of the place.
    """
    step = retina.pixels(0.06)
    grid = np.zeros_like(retina.field)
    grid[::step, ::step] = True
    down, across = np.nonzero(grid & retina.inside(0.03))
    away = (columns[:, None] - across) + 1j * (rows[:, None] - down)
    far = np.abs(away) / retina.diameter
    near = (far > 0.05) & (far < 0.35)
    # cos(2 x) of the angle between the line and the way to the place: 1 along it, -1 across
    along = (np.square(away) * direction.conj()[:, None]).real / np.maximum(np.square(np.abs(away)), 1e-9)
    towards, past = (near & (along > 0.28)).sum(axis=0), (near & (along < -0.02)).sum(axis=0)
    gain = towards - past
    best = int(gain.argmax())
    return float(gain[best] / retina.diameter), (int(down[best]), int(across[best]))
