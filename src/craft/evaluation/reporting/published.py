"""What the abstract of CRAFT reports: its own figures, which no run of ours made."""

from typing import Any

SOURCE = "abstract of arXiv:2605.12650"
MODALITIES = 4
# by how many points the low-alignment tail is smaller, from the modality of the least fall to that of the greatest
POINTS = (5.5, 34.7)
# by how many per cent it is smaller, the mean of the modalities
RELATIVE = 20.4


def least_tail(points: tuple[float, float], relative: float, modalities: int) -> float:
    """The least rate, in per cent, that the largest baseline tail can have if `points` are shares of all images.

    The relative falls sum to `modalities * relative`. No tail is larger than 100 %, so that the relative fall of every
    other modality is at least its points, and so at least the least of them; what is left bounds that of the modality
    of the greatest fall from above, and hence its tail from below.

    Args:
        points: least and greatest fall, in per cent of all images.
        relative: mean fall, in per cent of the baseline's tail.
        modalities: how many there are.
    """
    low, high = points
    return 100 * high / (modalities * relative - (modalities - 1) * low)


PUBLISHED: dict[str, Any] = {
    "source": SOURCE,
    "modalities": MODALITIES,
    "points": {"low": POINTS[0], "high": POINTS[1]},
    "relative": RELATIVE,
    "least_tail": least_tail(POINTS, RELATIVE, MODALITIES),
}
