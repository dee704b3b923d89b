"""A modality of flat grey images: two labels that differ in brightness, and measures that see it, or not."""

import numpy as np
import pandas as pd

from craft.knowledge.schema import Knowledge

STATEMENTS = ("the image is bright in its middle", "the image is dark in its middle")
BRIGHT, DARK = "bright", "dark"


def make_item(present: str, absent: str, biomarker: str | None, facet: str = "brightness", weight: float = 1.0) -> dict:
    item = {"present": present, "absent": absent, "facet": facet, "source": "drawn", "weight": weight}
    return item | {"biomarker": biomarker}


def make_knowledge(**checklists: list[dict]) -> Knowledge:
    """Knowledge of labels that have nothing but a checklist, filled up with items that nothing computes."""
    labels = {}
    for name, items in checklists.items():
        extra = [make_item(f"a sign {n} that is unseen", f"a sign {n} that is absent", None) for n in range(3)]
        texts = [f"a picture of the kind {name}, number {number}" for number in range(3)]
        labels[name] = {"name": name, "definition": texts[0], "prompt": texts[0], "descriptions": texts}
        labels[name]["checklist"] = items + extra[: max(0, 3 - len(items))]
    return Knowledge.model_validate({"modality": "grey", "coarse_prompts": ["a grey picture"], "labels": labels})


def two_labels() -> Knowledge:
    """A bright and a dark label, each with an item told by its level and one told by noise."""
    noise = make_item("the noise of the image is strong", "the noise of the image is weak", "high noise", "noise")
    return make_knowledge(
        bright=[make_item(*STATEMENTS, "high level", weight=3.0), noise],
        dark=[make_item(*STATEMENTS[::-1], "low level", weight=3.0)],
    )


def draw_images(labels: list[str], levels: dict[str, float], seed: int = 0) -> list[np.ndarray]:
    """Images of shape (16, 16, 3) around the level of their label."""
    rng = np.random.default_rng(seed)
    return [np.full((16, 16, 3), levels[label] + rng.normal(0, 8), np.uint8) for label in labels]


def measure(images) -> pd.DataFrame:
    """Level in [0, 255], NaN for black images; and a number that has nothing to do with the label."""
    levels = np.array([float(image.mean()) for image in images])
    noise = [float(np.random.default_rng(int(level * 1000)).normal()) for level in levels]
    return pd.DataFrame({"level": np.where(levels > 0, levels, np.nan), "noise": noise})
