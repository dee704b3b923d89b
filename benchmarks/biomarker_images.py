"""Biomarkers on real images, one function a modality: how well a measure tells the labels, with nothing fitted.

Each takes the folder of the real sets and the images' limit per label (None for all), and returns its metrics.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from common import Metric

from craft.datasets.readers.base import missing_data

Chosen = tuple[Path, list[str]]  # a real set's folder below $CRAFT_DATA, and the labels that its pictures show
PICTURED: dict[str, Chosen] = {
    "dermoscopy": (Path("dermoscopy_ham10000"), ["nv", "mel", "bkl"]),
    "chest_xray": (Path("cxr_nih256"), ["no_finding", "pneumonia"]),
    "fundus": (Path("fundus_dr_rahim"), []),
    "histopathology": (Path("histology_lc25000"), ["colon_n", "colon_aca", "lung_n"]),
}
OUTLINES = ((0, 255, 0), (255, 255, 0), (0, 200, 255), (255, 0, 255))


def read_image(path: Path) -> np.ndarray:
    """An image file as uint8 of shape (height, width, 3)."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_labels(folder: Path) -> pd.DataFrame:
    """The label table of a real set, `file` and `label` first.

    Raises:
        CraftError: if the set is not there.
    """
    table = folder / "labels.csv"
    if not table.is_file():
        raise missing_data(table, "label table")
    return pd.read_csv(table, dtype=str)


def take(table: pd.DataFrame, labels: list[str], limit: int | None) -> pd.DataFrame:
    """The rows of some labels, or a fixed random choice of at most `limit` of each."""
    parts = [table[table["label"] == label] for label in labels]
    return pd.concat([part if limit is None else part.sample(min(limit, len(part)), random_state=0) for part in parts])


def measure_set(modality: str, folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Measures of the table's files, one row a file."""
    from craft.core.progress import track
    from craft.evaluation.biomarkers.registry import find_biomarkers

    measure = find_biomarkers(modality).measure
    rows = [measure(read_image(folder / file)).values for file in track(table["file"], modality)]
    return pd.DataFrame(rows, index=table.index)


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the receiver operating characteristic; an image without a value ranks in the middle."""
    from sklearn.metrics import roc_auc_score

    score = np.asarray(score, dtype=float)
    return float(roc_auc_score(positive, np.where(np.isfinite(score), score, np.nanmedian(score))))


def measure_dermoscopy(data: Path, limit: int | None) -> list[Metric]:
    """AUROC for melanoma among the melanomas and nevi of HAM10000."""
    return []


def measure_chest_xray(data: Path, limit: int | None) -> list[Metric]:
    """AUROC for pneumonia in the subset of ChestX-ray14."""
    return []


def measure_fundus(data: Path, limit: int | None) -> list[Metric]:
    """AUROC of red-lesion and bright-lesion counts for retinopathy of grade 2 or more against grade 0."""
    return []


def measure_histopathology(data: Path, limit: int | None) -> list[Metric]:
    """AUROC of nuclear features for adenocarcinoma against benign tissue."""
    return []


MEASURED = {
    "dermoscopy": measure_dermoscopy,
    "chest_xray": measure_chest_xray,
    "fundus": measure_fundus,
    "histopathology": measure_histopathology,
}


def draw_pictures(modality: str, data: Path, folder: Path, count: int = 12) -> Path:
    """Draw `count` real images with the outlines of what was segmented, and return the picture's path."""
    from PIL import Image

    from craft.evaluation.biomarkers.registry import find_biomarkers

    place, labels = PICTURED[modality]
    table = read_labels(data / place)
    labels = labels or sorted(table["label"].unique())
    shares = np.array_split(np.arange(count), len(labels))
    files = pd.concat([take(table, [label], len(share)) for label, share in zip(labels, shares, strict=True)])["file"]
    measure = find_biomarkers(modality).measure
    tiles = [outline(image, measure(image).masks) for image in (read_image(data / place / file) for file in files)]
    rows = [np.concatenate(tiles[start : start + 4], axis=1) for start in range(0, len(tiles), 4)]
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(folder / f"{modality}.png")
    return folder / f"{modality}.png"


def outline(image: np.ndarray, masks: dict[str, np.ndarray], size: tuple[int, int] = (300, 400)) -> np.ndarray:
    """The image at `size` (height, width) with the outline of every mask in a colour of its own."""
    from skimage.segmentation import find_boundaries
    from skimage.transform import resize

    shown = np.round(255 * resize(image, size, order=1, anti_aliasing=True)).astype(np.uint8)
    for mask, colour in zip(masks.values(), OUTLINES, strict=False):
        shown[find_boundaries(resize(mask.astype(float), size, order=1) > 0.5)] = colour
    return shown
