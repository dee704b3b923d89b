"""Biomarkers on real images, one function per modality: how well a measure tells the labels, with nothing fitted.

Each takes the folder of the real sets and the images' limit per label (None for all), and returns its metrics.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from common import Metric

from craft.datasets.readers.base import missing_data

Extra = Callable[[np.ndarray, dict[str, np.ndarray]], dict[str, float]]
Chosen = tuple[Path, list[str]]  # a real set's folder below $CRAFT_DATA, and the labels that its pictures show
PICTURED: dict[str, Chosen] = {
    "dermoscopy": (Path("dermoscopy_ham10000"), ["nv", "mel", "bkl"]),
    "chest_xray": (Path("cxr_nih256"), ["no_finding", "pneumonia"]),
    "fundus": (Path("fundus_dr_rahim"), []),
    "histopathology": (Path("histology_lc25000"), ["colon_n", "colon_aca", "lung_n", "lung_aca", "lung_scc"]),
}
GOALS = {"asymmetry": 0.63, "border": 0.67, "colour": 0.73, "sum": 0.80}
OUTLINES = ((0, 255, 0), (255, 255, 0), (0, 200, 255), (255, 0, 255), (255, 255, 255))


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


def measure_set(modality: str, folder: Path, table: pd.DataFrame, extra: Extra | None = None) -> pd.DataFrame:
    """Measures of the table's files, one row per file, and what `extra` makes of an image and its masks."""
    from craft.core.progress import track
    from craft.evaluation.biomarkers.registry import find_biomarkers

    measure, rows = find_biomarkers(modality).measure, []
    for file in track(table["file"], modality):
        image = read_image(folder / file)
        findings = measure(image)
        rows.append(findings.values | (extra(image, findings.overlays(*image.shape[:2])) if extra else {}))
    return pd.DataFrame(rows, index=table.index)


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the receiver operating characteristic; an image without a value ranks in the middle."""
    from sklearn.metrics import roc_auc_score

    score = np.asarray(score, dtype=float)
    return float(roc_auc_score(positive, np.where(np.isfinite(score), score, np.nanmedian(score))))


def skin_texture(image: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, float]:
    """Fine texture of the skin outside the lesion, which says how sharp a photograph is and nothing of the lesion."""
    from scipy.ndimage import gaussian_filter

    grey = image.astype(float).mean(axis=-1)
    outside = ~masks["lesion"] if "lesion" in masks else np.zeros(grey.shape, dtype=bool)
    fine = grey - gaussian_filter(grey, 3.0)
    return {"skin_texture": float(fine[outside].std()) if outside.any() else np.nan}


def unseen_half(lesions: pd.Series) -> np.ndarray:
    """Whether a lesion is of the half that no measure was chosen on."""
    return np.array([int(hashlib.sha256(lesion.encode()).hexdigest()[:8], 16) % 2 == 1 for lesion in lesions])


def measure_dermoscopy(data: Path, limit: int | None) -> list[Metric]:
    """AUROC for melanoma among the melanomas and nevi of HAM10000."""
    folder = data / "dermoscopy_ham10000"
    table = take(read_labels(folder), ["mel", "nv"], limit)
    found = measure_set("dermoscopy", folder, table, skin_texture)
    melanoma, unseen = (table["label"] == "mel").to_numpy(), unseen_half(table["lesion_id"])
    scores = {
        "asymmetry": found["asymmetry"],
        "border": found["border_irregularity"],
        "colour": found["colour_variety"],
    }
    ranks = {name: score.fillna(score.median()).rank(pct=True) for name, score in scores.items()}
    scores["sum"] = sum(ranks.values())
    about = f"HAM10000, {melanoma.sum()} images of melanoma, {(~melanoma).sum()} of nevi; nothing fitted to the labels"
    how = {
        "asymmetry": "mean colour difference to the mirror images",
        "border": "waves of the outline's radius",
        "colour": "spread of a* and b* within the lesion",
        "sum": "sum of the three ranks within the set",
    }
    metrics = [
        Metric(f"ham10000_auroc_{name}", auroc(melanoma, score), "1", "higher", GOALS[name], f"{how[name]}; {about}")
        for name, score in scores.items()
    ]
    half = auroc(melanoma[unseen], scores["sum"][unseen])
    words = f"the sum on the half of the lesions that no measure was chosen on, {unseen.sum()} images; {about}"
    metrics.append(Metric("ham10000_auroc_sum_unseen_half", half, "1", "higher", GOALS["sum"], words))
    texture = auroc(melanoma, found["skin_texture"])
    words = (
        "control that looks at no lesion: fine texture of the skin around it; so much of the other figures may come"
        f" from the sharper photographs of one clinic; {about}"
    )
    return [*metrics, Metric("ham10000_auroc_skin_texture", texture, "1", "lower", None, words)]


def measure_chest_xray(data: Path, limit: int | None) -> list[Metric]:
    """AUROC for pneumonia in the subset of ChestX-ray14."""
    folder = data / "cxr_nih256"
    table = take(read_labels(folder), ["no_finding", "pneumonia"], limit)
    found = measure_set("chest_xray", folder, table)
    pneumonia = (table["label"] == "pneumonia").to_numpy()
    about = f"ChestX-ray14, {pneumonia.sum()} images of pneumonia, {(~pneumonia).sum()} without finding"
    metrics = [
        Metric(f"nih_auroc_{name}", auroc(pneumonia, sign * found[name]), "1", "higher", None, f"{words}; {about}")
        for name, sign, words in (
            ("airspace_opacity", 1, "high values for pneumonia"),
            ("focal_opacity", 1, "high values for pneumonia"),
            ("lung_share", -1, "low values for pneumonia"),
        )
    ]
    untold = float(found["lung_share"].isna().mean())
    return [*metrics, Metric("nih_share_without_lungs", untold, "1", "lower", None, f"no two lungs found; {about}")]


def measure_fundus(data: Path, limit: int | None) -> list[Metric]:
    """AUROC of red-lesion and bright-lesion counts for retinopathy of grade 2 or more against grade 0."""
    folder = data / "fundus_dr_rahim"
    table = read_labels(folder).dropna(subset=["dr_grade_0_4"])
    table["label"] = table["dr_grade_0_4"].replace({"3": "2", "4": "2"})
    table = take(table, ["0", "2"], limit)
    found = measure_set("fundus", folder, table)
    diseased = (table["label"] == "2").to_numpy()
    # another half than that of `unseen_half`: the limits of the fundus were chosen on the even digests
    unseen = np.array([int(hashlib.sha256(patient.encode()).hexdigest(), 16) % 2 == 1 for patient in table["patient"]])
    metrics = []
    for name in ("red_lesion_count", "bright_lesion_count", "lesion_count"):
        for suffix, chosen in (("", np.ones_like(unseen)), ("_unseen_half", unseen)):
            which = "the half of the patients that no limit was chosen on" if suffix else "all patients"
            about = (
                f"{name}, {(chosen & diseased).sum()} photographs of grade 2 or more against"
                f" {(chosen & ~diseased).sum()} of grade 0, 574 px wide, {which}"
            )
            score = auroc(diseased[chosen], found[name][chosen])
            metrics.append(Metric(f"fundus_auroc_{name}{suffix}", score, "1", "higher", None, about))
    proliferative = (table["dr_grade_0_4"] == "4").to_numpy()
    compared = proliferative | ~diseased
    for name in ("tangle_redness", "disc_tangle_redness", "preretinal_area", "fibrous_length", "pale_patch_count"):
        score = auroc(proliferative[compared], found[name][compared])
        about = (
            f"{name}, {proliferative.sum()} photographs of grade 4 against {(~diseased).sum()} of grade 0; it does not"
            " tell them apart, so no item of a grade names it, only items of the phantoms' labels"
        )
        metrics.append(Metric(f"fundus_auroc_grade_4_{name}", score, "1", "higher", None, about))
    return metrics


def measure_histopathology(data: Path, limit: int | None) -> list[Metric]:
    """AUROC of nuclear and other features for adenocarcinoma against benign tissue."""
    folder, metrics = data / "histology_lc25000", []
    for organ in ("colon", "lung"):
        table = take(read_labels(folder), [f"{organ}_n", f"{organ}_aca"], limit)
        found = measure_set("histopathology", folder, table)
        malignant = (table["label"] == f"{organ}_aca").to_numpy()
        for name in found:
            about = (
                f"high {name} for adenocarcinoma of the {organ}, {malignant.sum()} tiles against {(~malignant).sum()}"
                " benign ones; LC25000's augmented near-duplicates make this surer than it is; no limit was"
                " fitted on the labels, but measures were chosen among variants with the figures of 40 tiles a label in"
                " view"
            )
            score = auroc(malignant, found[name])
            metrics.append(Metric(f"lc25000_auroc_{organ}_{name}", score, "1", "higher", None, about))
    return metrics


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
    tiles = [
        outline(image, measure(image).overlays(*image.shape[:2]))
        for image in (read_image(data / place / file) for file in files)
    ]
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
