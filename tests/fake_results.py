"""A results folder as the pipeline leaves it, with drawn scores and simple images, for tests of what reads tables."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from craft.core.files import write_parquet, write_text
from craft.core.images import image_row, read_images, write_images
from craft.core.rows import write_rows
from craft.core.seeds import derive_seed
from craft.core.settings import CONTROLS, DECODED
from craft.datasets.given import COUNTS, READ
from craft.evaluation.fidelity.metrics import METRICS as FIDELITY
from craft.evaluation.memorization.results import MEMBERSHIP, NEIGHBOURS
from craft.evaluation.results import SETTINGS
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, PLAIN_MEAN
from craft.evaluation.settings import Run, ScoringSettings
from craft.models.backgrounds import Background
from craft.reward.combination import combine, plain_mean
from craft.reward.damage import NO_IMAGES
from craft.reward.dimensions import DIMENSIONS

LABELS = {"chest": ["normal", "effusion"], "skin": ["naevus", "melanoma", "keratosis"]}
METHODS = ["foundation", "lora", "craft"]
SKILL = {"real": 0.75, "decoded": 0.73, "foundation": 0.45, "lora": 0.6, "craft": 0.72}
BACKBONES = ("efficientnet", "scratch")
EVALUATORS = {"clip_resnet": "reward", "clip_bit": "monitor", "siglip_regnet": "held_out"}


def make_results(
    folder: Path,
    labels: dict[str, list[str]] = LABELS,
    methods: list[str] = METHODS,
    seeds: tuple[int, ...] = (0, 1),
    per_label: int = 24,
    classifier: bool = True,
    evaluators: dict[str, str] = EVALUATORS,
    given: tuple[str, ...] = (),
    controls: tuple[str, ...] = CONTROLS,
) -> Run:
    """Write settings, image tables and what was measured on them below `folder`; return what the run consists of.

    Methods that are `given` have images of their own: twice as many, in another order of labels.
    """
    run = Run(
        datasets=labels,
        methods=methods,
        rewarded=[method for method in methods if method == "craft"],
        given=list(given),
        controls=list(controls),
        trainings={"craft": ["craft"]} if "craft" in methods else {},
        seeds=list(seeds),
        scoring=ScoringSettings(bootstrap=200, comparison_resamples=500),
        judges=[
            Background(name=name, kind="evaluator", role=role, family=name, training_data=None, origin=f"seed {seed}")
            for seed, (name, role) in enumerate(evaluators.items())
        ],
    )
    write_text(folder / SETTINGS, run.to_yaml())
    rng = np.random.default_rng(0)
    for dataset, names in labels.items():
        for split in ("train", "test"):
            rows = make_rows(rng, names, split, per_label)
            if split == "test":
                scores = draw_scores(rng, dataset, "real", 0, rows, classifier, evaluators)
                write_parquet(folder / dataset / "real/seed0/scores.parquet", scores)
                if DECODED in controls:
                    write_decoded(folder / dataset / DECODED / "seed0", dataset, rows, scores)
                test, rest = rows, make_rows(rng, names, "calibration", per_label // 2 + 1)
        write_images(folder / dataset / "images.parquet", make_rows(rng, names, "train", per_label) + rest + test)
        for method in methods:
            for seed in seeds:
                path = folder / dataset / method / f"seed{seed}"
                order, count = (names[::-1], 2 * per_label) if method in given else (names, per_label)
                rows = make_rows(rng, order, "generated", count)
                rows = [row | {"image_id": f"{number:06d}"} for number, row in enumerate(rows)]
                write_images(path / "images.parquet", rows)
                scores = draw_scores(rng, dataset, method, seed, rows, classifier, evaluators)
                write_parquet(path / "scores.parquet", scores)
                if method in given:
                    counts = [(dataset, method, seed, READ, len(rows)), (dataset, method, seed, "unreadable", 2)]
                    write_parquet(path / "counts.parquet", pd.DataFrame(counts, columns=list(COUNTS)))
                write_parquet(path / "cost.parquet", draw_cost(dataset, method, seed, len(rows)))
                write_features(path / "features.safetensors", rows, evaluators)
                if method == "craft":
                    write_parquet(path / "history.parquet", draw_history(rng))
        write_parquet(folder / dataset / "audit.parquet", draw_audit(rng, folder, dataset, methods, seeds, controls))
        write_parquet(folder / dataset / "biomarkers.parquet", draw_measures(rng, folder, dataset, methods, seeds))
        write_copies(rng, folder / dataset, dataset, methods, seeds)
        write_parquet(folder / dataset / "downstream.parquet", draw_predictions(rng, dataset, names, methods, test))
        write_parquet(
            folder / dataset / "fidelity.parquet", draw_fidelity(rng, dataset, methods, seeds, evaluators, controls)
        )
        studies = draw_validity(rng, dataset, names, methods, classifier, evaluators)
        write_parquet(folder / dataset / "validity.parquet", studies)
    return run


def write_features(path: Path, rows: list[dict], evaluators: dict[str, str], width: int = 6) -> None:
    """Features of images under every evaluator, with random numbers of their own."""
    rng = np.random.default_rng(derive_seed(str(path.parent.relative_to(path.parents[3]))))
    ids = [row["image_id"] for row in rows]
    write_rows(path, ids, {f"{name}/images": torch.tensor(rng.normal(size=(len(ids), width))) for name in evaluators})


def write_decoded(folder: Path, dataset: str, rows: list[dict], real: pd.DataFrame) -> None:
    """Real test images as the autoencoder gives them back, which score as the real ones do, a little worse."""
    names = {row["image_id"]: f"{number:06d}" for number, row in enumerate(rows)}
    decoded = [row | {"image_id": names[row["image_id"]], "split": "generated"} for row in rows]
    write_images(folder / "images.parquet", decoded)
    scores = real.assign(method=DECODED, image_id=real["image_id"].map(names))
    scores[[*DIMENSIONS, PLAIN_MEAN]] *= 0.99
    judged = scores["role"] != PHANTOM_CLASSIFIER
    scores["cas"] = np.where(judged, combine(scores[list(DIMENSIONS)].to_numpy(float)), scores["cas"] * 0.98)
    write_parquet(folder / "scores.parquet", scores)


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
            rows.append(image_row(image.astype(np.uint8), label=label, split=split, origin="fake"))
    return rows


def image_sets(methods: list[str], seeds: tuple[int, ...], controls: tuple[str, ...]) -> list[tuple[str, int]]:
    """Method and seed of everything that is scored: the controls, then what was generated."""
    return [*((method, 0) for method in controls), *((method, seed) for method in methods for seed in seeds)]


def draw_scores(
    rng: np.random.Generator,
    dataset: str,
    method: str,
    seed: int,
    rows: list[dict],
    classifier: bool,
    evaluators: dict[str, str],
) -> pd.DataFrame:
    """Beta-distributed scores around the method's skill; the held-out evaluator sees half of CRAFT's gain."""
    frames, base = [], pd.DataFrame([{"image_id": row["image_id"], "label": row["label"]} for row in rows])
    base = base.assign(dataset=dataset, method=method, seed=seed)
    for evaluator, role in evaluators.items():
        mean = SKILL.get(method, 0.5) - (0.05 if role == "held_out" and method == "craft" else 0)
        values = rng.beta(mean * 8, (1 - mean) * 8, size=(len(rows), len(DIMENSIONS)))
        frame = base.assign(evaluator=evaluator, role=role, **dict(zip(DIMENSIONS, values.T, strict=True)), agrees=None)
        frames.append(frame.assign(cas=combine(values), **{PLAIN_MEAN: plain_mean(values)}))
    if classifier:
        chance = rng.beta(5, 2, size=len(rows))
        nothing = dict.fromkeys([*DIMENSIONS, PLAIN_MEAN], np.nan)
        frames.append(
            base.assign(
                evaluator=PHANTOM_CLASSIFIER, role=PHANTOM_CLASSIFIER, **nothing, cas=chance, agrees=chance > 0.5
            )
        )
    return pd.concat(frames, ignore_index=True)


def draw_audit(
    rng: np.random.Generator, folder: Path, dataset: str, methods: list[str], seeds: tuple, controls: tuple[str, ...]
) -> pd.DataFrame:
    """Answers of two auditors to three items a label, one of which nobody can tell; the skill is the share of yes."""
    frames = []
    for method, seed in image_sets(methods, seeds, controls):
        images = pd.read_parquet(folder / dataset / method / f"seed{seed}/scores.parquet").query("role == 'reward'")
        rows = images.loc[images.index.repeat(3), ["image_id", "dataset", "method", "seed", "label"]]
        number = np.tile(np.arange(3), len(images))
        rows["item"] = [f"sign {n} of {label} is present" for n, label in zip(number, rows["label"], strict=True)]
        yes = rng.random(len(rows)) < SKILL.get(method, 0.5)
        for auditor, errors in (("biomarkers", 0.0), ("mllm", 0.2)):
            said = np.where(yes ^ (rng.random(len(rows)) < errors), "yes", "no")
            said = np.where((number == 2) | (rng.random(len(rows)) < 0.05), "cannot tell", said)
            frames.append(rows.assign(facet="sign", weight=1.0 + number, auditor=auditor, answer=said))
    return pd.concat(frames, ignore_index=True)


def draw_measures(
    rng: np.random.Generator, folder: Path, dataset: str, methods: list[str], seeds: tuple
) -> pd.DataFrame:
    """Two measures, one of which cannot always be taken, and two structures, found by the method's skill."""
    frames = []
    for method, seed in [("real", 0), *((method, seed) for method in methods for seed in seeds)]:
        path = folder / dataset / ("images.parquet" if method == "real" else f"{method}/seed{seed}/images.parquet")
        frame = read_images(path)[["image_id", "split", "label"]].assign(dataset=dataset, method=method, seed=seed)
        off = 1.0 - SKILL.get(method, 0.5)
        frame["size"], frame["count"] = rng.normal(off, 0.2, len(frame)), rng.poisson(10 * off, len(frame))
        frame["size"] = frame["size"].where(rng.random(len(frame)) > 0.1)
        for name in ("found_outline", "found_core"):
            frame[name] = (rng.random(len(frame)) > (0.02 if method == "real" else off)).astype(float)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def draw_history(rng: np.random.Generator, steps: int = 40, every: int = 10) -> pd.DataFrame:
    """A reward run whose monitor peaks before its end."""
    step = np.arange(1, steps + 1)
    checks = (step % every == 0) | (step == 1)
    frame = pd.DataFrame({"step": step, "reward": 0.6 + 0.25 * step / steps + rng.normal(0, 0.02, steps)})
    frame["monitor"] = np.where(checks, 0.6 + 0.2 * np.sin(step / steps * 2.4), np.nan)
    frame["likeness"] = np.where(checks, 0.5, np.nan)
    frame["diversity"] = np.where(checks, 0.4 - 0.1 * step / steps, np.nan)
    frame["semantic_diversity"] = np.where(checks, 0.3 - 0.2 * step / steps, np.nan)
    frame["best"] = step == frame["monitor"].idxmax() + 1
    frame["stopped_because"] = [None] * (steps - 1) + ["the monitor fell while the reward rose"]
    frame["unet_evaluations"], frame["peak_memory_mb"] = 100.0 * step, 500.0 + step
    return frame.assign(cpu_seconds=2.0 * step, gpu_seconds=0.0)


def draw_cost(dataset: str, method: str, seed: int, images: int) -> pd.DataFrame:
    """Sampling that takes 10 UNet evaluations and a tenth of a second an image."""
    row = {"dataset": dataset, "method": method, "seed": seed, "images": images}
    row |= {"unet_evaluations": 10.0 * images, "cpu_seconds": images / 10, "gpu_seconds": 0.0, "peak_memory_mb": 400.0}
    return pd.DataFrame([row])


def draw_fidelity(
    rng,
    dataset: str,
    methods: list[str],
    seeds: tuple[int, ...],
    evaluators: dict[str, str],
    controls: tuple[str, ...],
    resamples: int = 50,
) -> pd.DataFrame:
    """Fidelity of every method and seed under the held-out evaluators, better with skill."""
    rows = []
    for evaluator in (name for name, role in evaluators.items() if role == "held_out"):
        for method, seed in image_sets(methods, seeds, controls):
            row = {"dataset": dataset, "method": method, "seed": seed, "evaluator": evaluator, "role": "held_out"}
            for metric in FIDELITY:
                value = 20 * (1 - SKILL.get(method, 0.5)) if metric == "fid" else SKILL.get(method, 0.5)
                noise = value + rng.normal(0, 0.02, resamples)
                numbers = {"value": value, "natural": value, "n": 48, "resamples": noise}
                rows.append(row | {"metric": metric} | numbers)
    return pd.DataFrame(rows)


def write_copies(
    rng: np.random.Generator, folder: Path, dataset: str, methods: list[str], seeds: tuple[int, ...]
) -> None:
    """A drawn search for copies in the images that lie below `folder`."""
    table = read_images(folder / "images.parquet")[["image_id", "label", "split"]]
    train, test = (table[table["split"] == split].drop(columns="split") for split in ("train", "test"))
    runs = {("real", 0): test}
    for method in methods:
        for seed in seeds:
            runs[method, seed] = read_images(folder / method / f"seed{seed}/images.parquet")[["image_id", "label"]]
    neighbours, membership = [], []
    for (method, seed), frame in runs.items():
        shared = {"dataset": dataset, "method": method, "seed": seed, "evaluator": "siglip_regnet", "role": "held_out"}
        frame = frame.assign(**shared, flagged=0.01, twin=False, mirrored=rng.random(len(frame)) < 0.5, down=0, right=1)
        for measure in ("features", "l2", "ssim"):
            distances = rng.uniform(0.1, 1, size=len(frame))
            frame[f"{measure}_distance"], frame[f"{measure}_ratio"] = distances, rng.uniform(0.5, 1, size=len(frame))
            frame[f"{measure}_neighbour"] = rng.choice(train["image_id"], size=len(frame))
            frame[f"{measure}_split"] = rng.choice(["train", "reference"], size=len(frame))
            frame[f"{measure}_copied"] = distances < 0.15
        neighbours.append(frame)
        if method != "real":
            real = table[table["split"].isin(["train", "test"])].assign(**shared)
            for measure in ("features", "l2"):
                real[f"{measure}_distance"] = rng.uniform(0, 1, size=len(real))
            membership.append(real)
    write_parquet(folder / "neighbours.parquet", pd.concat(neighbours)[list(NEIGHBOURS.column_names())])
    write_parquet(folder / "membership.parquet", pd.concat(membership)[list(MEMBERSHIP.column_names())])


def draw_validity(
    rng: np.random.Generator,
    dataset: str,
    labels: list[str],
    methods: list[str],
    classifier: bool,
    evaluators: dict[str, str],
) -> pd.DataFrame:
    """A row of every kind that the validity studies write, with drawn numbers."""
    scores, judges = [*DIMENSIONS, "cas"], ["siglip_regnet", *([PHANTOM_CLASSIFIER] if classifier else [])]
    places = [("judges", "", "", "", np.nan, name) for name in ("accuracy", "balanced_accuracy", "chance", "majority")]
    places += [("dimensions", "", *pair, np.nan, "spearman") for pair in itertools.combinations(DIMENSIONS, 2)]
    for name in DIMENSIONS:
        places += [("reliability", "", name, "", level / 10 + 0.05, "observed") for level in range(10)]
        places += [("reliability", "", name, "", np.nan, "calibration_error")]
    for kind in (*NO_IMAGES, "other_modalities", "all"):
        places += [("no_images", "", name, kind, 0.05, "refused") for name in ("cas", PLAIN_MEAN, "plausibility")]
    places += [("label_swap", "", name, "", np.nan, "auroc") for name in scores]
    places += [("label_swap", "", name, label, np.nan, "label_auroc") for name in scores for label in labels]
    places += [("drop_one", "", name, "", np.nan, "auroc_share") for name in DIMENSIONS]
    for condition in ("own_labels", "half_swapped", "all_swapped"):
        places += [("same_images", "", name, condition, np.nan, "mean") for name in scores]
        places += [("same_images", "", "", condition, np.nan, "fid")]
    for kind in ("blur", "colour_cast"):
        places += [("damage", "", name, kind, level, "mean") for name in scores for level in (0.0, 0.2, 0.5)]
        places += [("damage", "", name, kind, np.nan, "spearman") for name in scores]
    if classifier:
        places += [("classifier", "", name, "all", np.nan, "spearman") for name in scores]
        places += [("classifier", "", name, "methods", np.nan, "kendall") for name in scores]
    keys = ["study", "method", "dimension", "condition", "level", "metric"]
    frames = [pd.DataFrame(places, columns=keys).assign(evaluator=name, role=role) for name, role in evaluators.items()]
    if "craft" in methods:
        gaps = [("gap", "craft", "cas", judge, 10.0 * n, "gap_change") for judge in judges for n in range(4)]
        gaps += [
            ("gap", "craft", "cas", judge, np.nan, metric)
            for judge in judges
            for metric in ("reopening", "opens_from", "opens_at")
        ]
        frames.append(pd.DataFrame(gaps, columns=keys).assign(evaluator="clip_resnet", role="reward"))
    frame = pd.concat(frames, ignore_index=True).assign(dataset=dataset, n=40, seeds=1, source="fake")
    frame = frame.assign(natural=np.nan, over="images")
    frame["value"] = rng.uniform(0.3, 0.9, len(frame))
    observed, refused = frame["metric"] == "observed", frame["metric"] == "refused"
    frame.loc[observed, "value"] = (frame["level"] + rng.normal(0, 0.05, len(frame)))[observed]
    errors, chance = frame["metric"] == "calibration_error", frame["metric"].isin(["chance", "majority"])
    frame.loc[errors, "value"] = rng.uniform(0.02, 0.12, errors.sum())
    frame.loc[chance, "value"] = 1 / len(labels)
    gated = refused & (frame["dimension"] != PLAIN_MEAN)
    frame.loc[gated, "value"] = rng.uniform(0.9, 1.0, gated.sum())
    for metric, step in (("opens_from", 10.0), ("opens_at", 20.0)):
        opens = frame["metric"] == metric
        frame.loc[opens, "value"] = np.where(np.arange(opens.sum()) % 2, np.nan, step)
    frame = frame.assign(low=frame["value"] - 0.1, high=frame["value"] + 0.1)
    shares = observed | refused | errors
    frame.loc[shares, ["value", "low", "high"]] = frame.loc[shares, ["value", "low", "high"]].clip(0, 1)
    frame.loc[chance, ["low", "high"]] = np.nan
    return frame


def draw_predictions(rng, dataset: str, labels: list[str], methods: list[str], test: list[dict]) -> pd.DataFrame:
    """Predictions of three classifier seeds of every backbone and arm, better with real images."""
    frames = []
    arms = ["real", *methods, *(f"real+{method}" for method in methods)]
    for backbone, arm in itertools.product(BACKBONES, arms):
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
            frames.append(frame.assign(dataset=dataset, backbone=backbone, method=arm, seed=seed))
    return pd.concat(frames, ignore_index=True)
