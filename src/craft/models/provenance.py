"""Where a model folder comes from: settings, code, device, time and metrics, and the digest of every file in it."""

import hashlib
import platform
import sys
import time
from pathlib import Path
from typing import Any

from craft.core.files import write_json, write_text
from craft.core.identity import hash_code
from craft.core.reading import read_json

CARD = """---
license: {license}
tags: [{tags}]
---
# {name}

{summary}

It was trained by `scripts/{script}.py`{start}; `provenance.json` holds its settings, metrics and the digest of
every file.

Training images: {images}. {terms} **Not for clinical use.**

| metric | value |
|---|---|
{rows}
"""
PHANTOM = "phantom"
OF_PHANTOMS = "All of them are phantoms, rendered images: it knows nothing of real patients."
OF_OTHERS = (
    "It is not known to have seen phantoms alone: its weights may hold what images of patients show, and the terms of"
    " these images bind whoever passes the weights on."
)

PROVENANCE = "provenance.json"


def read_start(start: str) -> dict | str:
    """What the provenance of a model folder says; the name of a folder without one, or of a hub id."""
    path = Path(start) / PROVENANCE
    return read_json(path) if path.is_file() else start


def count_origins(tables: list[Path]) -> dict[str, int]:
    """Numbers of training images in image tables, those of all folds, by their origin (`reader:dataset`)."""
    import pandas as pd

    frames = [pd.read_parquet(table, columns=["origin"], filters=[("split", "==", "train")]) for table in tables]
    return pd.concat(frames)["origin"].value_counts(sort=False).to_dict()


def knows_phantoms_only(images: dict[str, int], start: dict | str | None) -> bool:
    """Whether phantoms alone formed a model: its own images, and those of what it started from, as far as is known."""
    own = all(origin.split(":")[0] == PHANTOM for origin in images)
    if start is None or not own:
        return own
    return isinstance(start, dict) and "images" in start and knows_phantoms_only(start["images"], start.get("start"))


def write_card(file: Path, *, images: dict[str, int], start: dict | str | None, metrics: dict, **texts: str) -> None:
    """Write the model card of a folder; see `write_provenance`. A licence is given where phantoms alone were seen."""
    phantoms = knows_phantoms_only(images, start)
    texts |= {
        "license": "apache-2.0" if phantoms else "other",
        "tags": ", ".join([*(["synthetic-phantoms"] if phantoms else []), "medical-imaging", "craft"]),
        "start": ", going on from weights that an earlier training left" if start else " from scratch",
        "images": ", ".join(f"{count} of `{origin}`" for origin, count in images.items()),
        "terms": OF_PHANTOMS if phantoms else OF_OTHERS,
        "rows": "\n".join(f"| {key} | {value:.4g} |" for key, value in metrics.items()),
    }
    write_text(file, CARD.format(**texts))


def write_provenance(
    folder: Path,
    *,
    name: str,
    summary: str,
    script: str,
    settings: dict[str, Any],
    images: dict[str, int],
    metrics: dict,
    started: float,
    start: str | None = None,
) -> None:
    """Write `provenance.json` and a model card into a finished model folder.

    Args:
        folder: the model folder; all its files are listed with their SHA-256.
        name: title of the card.
        summary: what the model is, one or two sentences.
        script: the script that trained it, without extension; its import closure is hashed.
        settings: the resolved settings.
        images: how many it was trained on, by their origin (`reader:dataset`).
        metrics: flat metrics, by name.
        started: `time.monotonic()` at the start of the training.
        start: the model folder or hub id whose training went on; what its provenance says is kept, or its name.
    """
    import torch

    folder = Path(folder)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"cpu, {torch.get_num_threads()} threads"
    first = read_start(start) if start else None
    write_card(
        folder / "README.md",
        images=images,
        start=first,
        metrics=metrics,
        name=name,
        summary=summary,
        script=script,
    )
    write_record(
        folder,
        {
            "name": name,
            "script": script,
            "code": hash_code(script),
            "settings": settings,
            "images": images,
            "start": first,
            "metrics": metrics,
            "device": device,
            "seconds": round(time.monotonic() - started),
            "torch": torch.__version__,
        },
    )


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write `provenance.json` into a finished folder: what is known of it, when it was made, all digests."""
    members = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    files = {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in members}
    made = {"date": time.strftime("%Y-%m-%d"), "python": sys.version.split()[0], "platform": platform.machine()}
    write_json(folder / PROVENANCE, record | made | {"files": files})
