"""Time and memory of scoring images and of searching neighbours, on phantoms that the benchmark renders itself."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from common import RESULTS, Metric, describe_device, record, report

from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.core.reading import read_json

if TYPE_CHECKING:
    from torch import Tensor

    from craft.evaluation.scoring.yardstick import Yardstick
    from craft.models.encoders import VisionEncoder
    from craft.models.evaluators import ImageTextEvaluator

WIDTH, NEIGHBOURS = 512, 5
# of plausibility, as its definition has it
LEAST_SPREAD = 0.1
GOALS = {"share": 0.90, "naive": 8.0, "peak": 2048.0, "seconds": 60.0}


def main(
    images: Annotated[int, typer.Option(help="images of the stream and of each side of the search")] = 20_000,
    batch: Annotated[int, typer.Option(help="images a forward pass")] = 64,
    rounds: Annotated[int, typer.Option(help="alternating blocks")] = 15,
    per_label: Annotated[int, typer.Option(help="phantoms of each label that are rendered")] = 120,
    naive: Annotated[int, typer.Option(help="images that the naive loop scores")] = 8,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
    part: Annotated[str | None, typer.Option(hidden=True)] = None,
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare scoring with the bare networks and with a naive loop; stream many images; search many neighbours."""
    if part and folder:
        write_json(folder / f"{part}.json", {"search": search, "stream": stream}[part](folder, images))
        return
    with tempfile.TemporaryDirectory() as scratch:
        run_folder = Path(scratch)
        # memory is measured in processes of their own, started while this one is small
        measured = {"search": measure_alone("search", run_folder, images)}
        from phantom_run import DATASET, make_run, repeat_images

        make_run(run_folder, per_label)
        repeat_images(run_folder / DATASET / "images.parquet", run_folder / "stream.parquet", images)
        measured["stream"] = measure_alone("stream", run_folder, images)
        measured |= compare(run_folder, batch, rounds, naive)
    metrics = make_metrics(measured, images, batch, rounds, naive)
    report(metrics)
    command = f"python benchmarks/scoring.py --images {images} --batch {batch} --rounds {rounds} --naive {naive}"
    record("scoring", command, describe_device("cpu"), metrics, output)


def measure_alone(part: str, folder: Path, images: int) -> dict[str, float]:
    """What a part measures in a process of its own, on one thread.

    Raises:
        CraftError: if it fails.
    """
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder), "--images", str(images)]
    if subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode:
        raise CraftError(f"the part {part!r} failed; see its message above")
    return read_json(folder / f"{part}.json")


def search(folder: Path, images: int) -> dict[str, float]:
    """Seconds and peak memory of a search of random vectors among as many others."""
    import torch

    from craft.core.neighbours import nearest

    generator = torch.Generator().manual_seed(0)
    queries, database = (torch.randn(images, WIDTH, generator=generator) for _ in range(2))
    started = time.perf_counter()
    nearest(queries, database, NEIGHBOURS)
    return {"seconds": time.perf_counter() - started, "peak": peak_mib()}


def stream(folder: Path, images: int) -> dict[str, float]:
    """Seconds and peak memory of scoring a large image table."""
    from phantom_run import DATASET

    import craft

    started = time.perf_counter()
    scores = craft.score(folder / "stream.parquet", modality=DATASET, run=folder)
    spent = time.perf_counter() - started
    if len(scores) != images:
        raise CraftError(f"{len(scores)} of {images} images were scored")
    return {"seconds": spent, "peak": peak_mib()}


def peak_mib() -> float:
    """Largest resident memory of this program, MiB; unlike `ru_maxrss`, not that of the one that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def compare(folder: Path, batch: int, rounds: int, naive: int) -> dict[str, float]:
    """CPU seconds per image of the bare networks, of scoring and of the naive loop, and how far the scores differ."""
    import numpy as np
    import torch
    from phantom_run import DATASET, read_test_images

    from craft.core.images import decode_images, to_tensor
    from craft.evaluation.scoring.yardstick import Yardstick

    torch.set_num_threads(1)
    yardstick, frame = Yardstick.load(folder, DATASET), read_test_images(folder)
    frame = frame.iloc[[row % len(frame) for row in range(batch)]]
    images = to_tensor(decode_images(frame))
    labels = torch.tensor(frame["label"].map(yardstick.labels.index).to_numpy())
    judge = yardstick.judge
    encoder, evaluator = judge.encoder, judge.evaluator
    ready = make_ready(encoder, images)
    # an evaluator on the encoder itself needs no network of its own
    own = None if evaluator.tower == encoder.origin else make_ready(evaluator, images)

    @torch.inference_mode()
    def bare() -> None:
        encoder.network(ready)
        if own is not None:
            evaluator.model.get_image_features(pixel_values=own)

    seconds = alternate(
        {"bare": bare, "scoring": lambda: yardstick.score(images, labels), "decoding": lambda: decode_images(frame)},
        rounds,
    )
    loop = NaiveScorer(yardstick, folder)
    started = time.process_time()
    scores = np.stack([loop.score(image, int(label)) for image, label in zip(images[:naive], labels, strict=False)])
    spent = (time.process_time() - started) / naive
    difference = float(np.abs(scores - yardstick.score(images[:naive], labels[:naive])).max())
    if difference > 1e-4:
        raise CraftError(f"the naive loop computes something else: its scores differ by {difference:.2g}")
    shares = [b / s for b, s in zip(seconds["bare"], seconds["scoring"], strict=True)]
    spent_each = {f"{name}_seconds": statistics.median(values) / batch for name, values in seconds.items()}
    return spent_each | {
        "share": statistics.median(shares),
        "low": min(shares),
        "high": max(shares),
        "naive_seconds": spent,
    }


def make_ready(model: "VisionEncoder | ImageTextEvaluator", images: "Tensor") -> "Tensor":
    """Images (n, 3, h, w) in [0, 1] as the network of a model takes them: resized and scaled."""
    import torch.nn.functional as F

    resized = F.interpolate(images, size=(model.size, model.size), mode="bicubic", antialias=True)
    return (resized - model.mean) / model.std


def alternate(contestants: dict[str, Callable[[], object]], rounds: int, calls: int = 4) -> dict[str, list[float]]:
    """CPU seconds of a call of each contestant, the least of a few, once per round."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for work in contestants.values():
        work()
    for turn in range(rounds):
        for name in list(contestants)[:: 1 if turn % 2 == 0 else -1]:
            seconds[name].append(min(time_call(contestants[name]) for _ in range(calls)))
    return seconds


def time_call(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


class NaiveScorer:
    """CAS as its definition reads: one image at a time, every text encoded for it, every reference image compared."""

    def __init__(self, yardstick: "Yardstick", folder: Path):
        import torch
        from phantom_run import DATASET
        from torch.nn.functional import normalize

        from craft.evaluation.scoring.settings import ScoreJob
        from craft.knowledge.schema import Knowledge

        data = folder / DATASET
        self.judge, self.alignment, self.role = yardstick.judge, yardstick.alignment, yardstick.role
        self.knowledge = list(Knowledge.load(data / "knowledge.yaml").labels.values())
        self.references = yardstick.alignment.raw.evidence.references
        known = normalize(torch.cat(self.references), dim=1)
        spread = known.std(0, unbiased=False)
        self.centre, self.spread = known.mean(0), spread + LEAST_SPREAD * spread.mean()
        self.neighbours = ScoreJob.load(data / "settings/score_images.yaml").neighbours

    def score(self, image, label: int):
        """Calibrated dimensions (d,) of one image (3, h, w)."""
        import torch
        from torch.nn.functional import normalize

        evaluator = self.judge.evaluator
        with torch.inference_mode():
            feature, visual = evaluator.encode_images(image[None])[0], self.judge.encoder.encode_images(image[None])[0]

            def cosine(text: str) -> float:
                return float(feature @ evaluator.encode_texts([text])[0])

            def direction(features: "Tensor") -> "Tensor":
                return normalize((normalize(features, dim=0) - self.centre) / self.spread, dim=0)

            scale = float(evaluator.scale)
            texts = [known.descriptions_for(self.role) for known in self.knowledge]
            means = [statistics.fmean(cosine(text) for text in described) for described in texts]
            others = [scale * mean for number, mean in enumerate(means) if number != label]
            items = self.knowledge[label].checklist
            signs = sum(item.weight * (cosine(item.present) - cosine(item.absent)) for item in items)
            own = direction(visual)
            near = sorted(float(own @ direction(other)) for other in self.references[label])[-self.neighbours :]
            raw = {
                "alignment": means[label],
                "specificity": scale * means[label] - float(torch.tensor(others).logsumexp(0)),
                "checklist": scale * signs / sum(item.weight for item in items),
                "plausibility": statistics.fmean(near),
            }
            scores = torch.tensor([raw[name] for name in self.alignment.names])
            return torch.sigmoid(scores * self.alignment.slope + self.alignment.intercepts[label]).numpy()


def make_metrics(measured: dict, images: int, batch: int, rounds: int, naive: int) -> list[Metric]:
    """The metrics of all parts."""
    where = (
        f"released evaluator lit_efficientnet with its encoder, dermoscopy phantoms, 64 px, batch {batch}, one thread,"
    )
    where += " CPU time"
    stream, search = measured["stream"], measured["search"]
    size = f"{images // 1000}k" if images >= 1000 else str(images)
    share = f"the networks' forward pass on pixels made ready, over scoring float images in memory; {where}; median of"
    share += f" {rounds} alternating blocks, which lie from {measured['low']:.2f} to {measured['high']:.2f}"
    ratio = f"a loop over {naive} images that encodes every text anew and compares every reference image, over"
    ratio += f" scoring; {where}"
    read = f"craft.score on a parquet table of {images} images, PNG of 64 px, one thread and those that decode"
    random = f"{images} random vectors among {images}, {WIDTH} numbers wide, cosine, k = {NEIGHBOURS}, fp32,"
    random += " one thread, wall time"
    whole = "resident memory of a process of its own, imports and all data included"
    decoding = measured["bare_seconds"] / (measured["scoring_seconds"] + measured["decoding_seconds"])
    return [
        Metric("scoring_share_of_encoder", measured["share"], "1", "higher", GOALS["share"], share),
        Metric(
            "scoring_share_of_encoder_with_decoding",
            decoding,
            "1",
            "higher",
            None,
            f"the same, and decoding of PNG on the same thread; {where}",
        ),
        Metric(
            "scoring_ratio_to_naive",
            measured["naive_seconds"] / measured["scoring_seconds"],
            "1",
            "higher",
            GOALS["naive"],
            ratio,
        ),
        Metric("scoring_ms_per_image", 1000 * measured["scoring_seconds"], "ms", "lower", None, where),
        Metric(f"scoring_peak_mib_{size}", stream["peak"], "MiB", "lower", GOALS["peak"], f"{read}; {whole}"),
        Metric(f"scoring_seconds_{size}", stream["seconds"], "s", "lower", None, f"{read}; loading of models included"),
        Metric(f"neighbour_search_seconds_{size}", search["seconds"], "s", "lower", GOALS["seconds"], random),
        Metric(
            f"neighbour_search_peak_mib_{size}", search["peak"], "MiB", "lower", GOALS["peak"], f"{random}; {whole}"
        ),
    ]


if __name__ == "__main__":
    run(main)
