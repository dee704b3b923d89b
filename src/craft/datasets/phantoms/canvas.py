"""Drawing primitives of the phantom renderers.

Coordinates are in units of the image side: x to the right, y down, the centre at (0, 0), edges at -0.5 and 0.5.
Distances are in the same unit, so a drawing is the same scene at every size. Edges are anti-aliased analytically.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.ndimage import zoom


@lru_cache(maxsize=8)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel-centre coordinates (x, y), each of shape (size, size), float32, read-only."""
    axis = ((np.arange(size, dtype=np.float32) + 0.5) / size) - 0.5
    x, y = np.meshgrid(axis, axis)
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


def coverage(distance: np.ndarray, softness: float) -> np.ndarray:
    """Coverage in [0, 1] of a shape from its signed distance (negative inside); `softness` is the edge width."""
    t = np.clip(0.5 - distance / max(softness, 1e-6), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def ellipse(x, y, cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
    """Approximate signed distance to an ellipse with half-axes rx, ry rotated by `angle` radians."""
    dx, dy = x - cx, y - cy
    c, s = np.cos(angle), np.sin(angle)
    u, v = (c * dx + s * dy) / rx, (c * dy - s * dx) / ry
    return (np.sqrt(u * u + v * v) - 1.0) * min(rx, ry)


def stroke(x, y, points: np.ndarray) -> np.ndarray:
    """Distance to a polyline; `points` has shape (n, 2), n >= 2."""
    best = np.full(np.shape(x), np.inf, dtype=np.float32)
    for (ax, ay), (bx, by) in pairwise(points):
        ex, ey = bx - ax, by - ay
        t = np.clip(((x - ax) * ex + (y - ay) * ey) / max(ex * ex + ey * ey, 1e-12), 0.0, 1.0)
        best = np.minimum(best, np.hypot(x - ax - t * ex, y - ay - t * ey))
    return best


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Band-limited noise of shape (size, size), about zero mean and unit variance, `cells` bumps along a side."""
    coarse = rng.standard_normal((cells + 3, cells + 3)).astype(np.float32)
    fine = zoom(coarse, size / cells, order=3, mode="reflect", grid_mode=True)
    start = round(1.5 * size / cells)
    return fine[start : start + size, start : start + size]


def paint(canvas: np.ndarray, colour, opacity: np.ndarray) -> np.ndarray:
    """Blend `colour` (3,) or (size, size, 3) over `canvas` (size, size, 3), in place, with `opacity` (size, size)."""
    canvas += opacity[..., None] * (np.asarray(colour, dtype=np.float32) - canvas)
    return canvas


def finish(canvas: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Add sensor noise of standard deviation `noise`, clip to [0, 1] and convert to uint8."""
    noisy = canvas + rng.normal(0.0, noise, canvas.shape[:2]).astype(np.float32)[..., None]
    return (np.clip(noisy, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
