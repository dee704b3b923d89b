"""A results folder as the pipeline leaves it, with drawn scores and simple images, for tests of what reads tables."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.config.evaluation import Scoring
from craft.core.files import write_parquet, write_text
from craft.core.images import image_row, write_images
from craft.core.settings import TableSettings

LABELS = {"chest": ["normal", "effusion"], "skin": ["naevus", "melanoma", "keratosis"]}
METHODS = ["foundation", "lora", "craft"]
SKILL = {"real": 0.75, "foundation": 0.45, "lora": 0.6, "craft": 0.72}
EVALUATORS = {"clip_resnet": "reward", "clip_bit": "monitor", "siglip_regnet": "held_out"}
DIMENSIONS = ["alignment", "specificity", "checklist", "plausibility"]


def make_results(
    folder: Path,
    labels: dict[str, list[str]] = LABELS,
    methods: list[str] = METHODS,
    seeds: tuple[int, ...] = (0, 1),
    per_label: int = 24,
    truth: bool = True,
) -> TableSettings:
    """Write settings, image tables, scores, histories and predictions below `folder`; return the table settings."""
    run = TableSettings(datasets=labels, methods=methods, seeds=list(seeds), scoring=Scoring(bootstrap=200))
    write_text(folder / "tables/settings/collect_tables.yaml", run.to_yaml())
    rng = np.random.default_rng(0)
    for dataset, names in labels.items():
        for split in ("train", "test"):
            rows = make_rows(rng, names, split, per_label)
            if split == "test":
                write_parquet(
                    folder / dataset / "real/seed0/scores.parquet", draw_scores(rng, dataset, "real", 0, rows, truth)
                )
                test, rest = rows, make_rows(rng, names, "calibration", per_label // 2 + 1)
        write_images(folder / dataset / "images.parquet", make_rows(rng, names, "train", per_label) + rest + test)
        for method in methods:
            for seed in seeds:
                path = folder / dataset / method / f"seed{seed}"
                rows = make_rows(rng, names, "generated", per_label)
                write_images(path / "images.parquet", rows)
                write_parquet(path / "scores.parquet", draw_scores(rng, dataset, method, seed, rows, truth))
                if method == "craft":
                    write_parquet(path / "history.parquet", draw_history(rng))
        write_parquet(folder / dataset / "downstream.parquet", draw_predictions(rng, dataset, names, methods, test))
        write_parquet(folder / dataset / "validity.parquet", draw_validity(rng, dataset, methods, truth))
    return run


def make_rows(rng: np.random.Generator, labels: list[str], split: str, per_label: int, size: int = 32) -> list[dict]:
    """Discs whose brightness tells the label."""
    grid = np.mgrid[:size, :size] / size - 0.5
    rows = []
    for number, label in enumerate(labels):
        for _ in range(per_label):
            centre = rng.uniform(-0.15, 0.15, size=2)[:, None, None]
            disc = np.hypot(*(grid - centre)) < rng.uniform(0.15, 0.3)
            level = 60 + 150 * number / len(labels) + rng.normal(0, 8)
            image = np.repeat((30 + disc * level + rng.normal(0, 3, disc.shape)).clip(0, 255)[..., None], 3, axis=2)
            rows.append(image_row(image.astype(np.uint8), label=label, split=split, source="fake"))
    return rows


def draw_scores(
    rng: np.random.Generator, dataset: str, method: str, seed: int, rows: list[dict], truth: bool
) -> pd.DataFrame:
    """Beta-distributed scores around the method's skill; the held-out evaluator sees half of CRAFT's gain."""
    frames, base = [], pd.DataFrame([{"image_id": row["image_id"], "label": row["label"]} for row in rows])
    base = base.assign(dataset=dataset, method=method, seed=seed)
    for evaluator, role in EVALUATORS.items():
        mean = SKILL.get(method, 0.5) - (0.05 if role == "held_out" and method == "craft" else 0)
        values = rng.beta(mean * 8, (1 - mean) * 8, size=(len(rows), 4))
        frame = base.assign(evaluator=evaluator, role=role, **dict(zip(DIMENSIONS, values.T, strict=True)), agrees=None)
        frames.append(frame.assign(cas=values.mean(axis=1)))
    if truth:
        chance = rng.beta(5, 2, size=len(rows))
        nothing = dict.fromkeys(DIMENSIONS, np.nan)
        frames.append(base.assign(evaluator="truth", role="truth", **nothing, cas=chance, agrees=chance > 0.5))
    return pd.concat(frames, ignore_index=True)


def draw_history(rng: np.random.Generator, steps: int = 40, every: int = 10) -> pd.DataFrame:
    """A reward run whose monitor peaks before its end."""
    step = np.arange(1, steps + 1)
    checks = (step % every == 0) | (step == 1)
    frame = pd.DataFrame({"step": step, "reward": 0.6 + 0.25 * step / steps + rng.normal(0, 0.02, steps)})
    frame["monitor"] = np.where(checks, 0.6 + 0.2 * np.sin(step / steps * 2.4), np.nan)
    frame["diversity"] = np.where(checks, 0.4 - 0.1 * step / steps, np.nan)
    frame["semantic_diversity"] = np.where(checks, 0.3 - 0.2 * step / steps, np.nan)
    frame["best"] = step == frame["monitor"].idxmax() + 1
    frame["stopped_because"] = [None] * (steps - 1) + ["the monitor fell while the reward rose"]
    return frame


def draw_validity(rng: np.random.Generator, dataset: str, methods: list[str], truth: bool) -> pd.DataFrame:
    """A row of every kind that the validity studies write, with drawn numbers."""
    scores, judges = [*DIMENSIONS, "cas"], ["siglip_regnet", *(["truth"] if truth else [])]
    places = [("label_swap", "", name, "", np.nan, "auroc") for name in scores]
    places += [("drop_one", "", name, "", np.nan, "auroc_share") for name in DIMENSIONS]
    for condition in ("own_labels", "half_swapped", "all_swapped"):
        places += [("same_images", "", name, condition, np.nan, "mean") for name in scores]
    for kind in ("blur", "colour_cast"):
        places += [("damage", "", name, kind, level, "mean") for name in scores for level in (0.0, 0.2, 0.5)]
        places += [("damage", "", name, kind, np.nan, "spearman") for name in scores]
    if truth:
        places += [("truth", "", name, "all", np.nan, "spearman") for name in scores]
        places += [("truth", "", name, "methods", np.nan, "kendall") for name in scores]
    keys = ["study", "method", "dimension", "condition", "level", "metric"]
    frames = [pd.DataFrame(places, columns=keys).assign(evaluator=name, role=role) for name, role in EVALUATORS.items()]
    if "craft" in methods:
        gaps = [("gap", "craft", "cas", judge, 10.0 * n, "gap_change") for judge in judges for n in range(4)]
        gaps += [("gap", "craft", "cas", judge, np.nan, "opens_at") for judge in judges]
        frames.append(pd.DataFrame(gaps, columns=keys).assign(evaluator="clip_resnet", role="reward"))
    frame = pd.concat(frames, ignore_index=True).assign(dataset=dataset, n=40, seeds=1, source="fake")
    frame["value"] = rng.uniform(0.3, 0.9, len(frame))
    opens = frame["metric"] == "opens_at"
    frame.loc[opens, "value"] = np.where(np.arange(opens.sum()) % 2, np.nan, 20.0)
    return frame.assign(low=frame["value"] - 0.1, high=frame["value"] + 0.1)


def draw_predictions(rng, dataset: str, labels: list[str], methods: list[str], test: list[dict]) -> pd.DataFrame:
    """Predictions of three classifier seeds of every arm, better with real images."""
    frames = []
    for arm in ["real", *methods, *(f"real+{method}" for method in methods), "real@0.1", f"real@0.1+{methods[-1]}"]:
        for seed in range(3):
            own = np.array([labels.index(row["label"]) for row in test])
            logits = rng.normal(size=(len(test), len(labels)))
            logits[np.arange(len(test)), own] += 2.0 if arm.startswith("real") else 1.2
            chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            frame = pd.DataFrame(
                {"image_id": [row["image_id"] for row in test], "label": [row["label"] for row in test]}
            )
            frame["predicted"] = [labels[index] for index in chances.argmax(axis=1)]
            frame["probabilities"] = list(chances)
            frames.append(frame.assign(dataset=dataset, method=arm, seed=seed))
    return pd.concat(frames, ignore_index=True)
