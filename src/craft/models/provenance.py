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
license: apache-2.0
tags: [synthetic-phantoms, medical-imaging, craft]
---
# {name}

{summary}

It was trained by `scripts/{script}.py`{start}; `provenance.json` holds its settings, metrics and the digest of
every file. If its images are phantoms, it knows nothing of real patients: **not for clinical use**.

| metric | value |
|---|---|
{rows}
"""


PROVENANCE = "provenance.json"


def read_start(start: str) -> dict | str:
    """What the provenance of a model folder says; the name of a folder without one, or of a hub id."""
    path = Path(start) / PROVENANCE
    return read_json(path) if path.is_file() else start


def write_provenance(
    folder: Path,
    *,
    name: str,
    summary: str,
    script: str,
    settings: dict[str, Any],
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
        metrics: flat metrics, by name.
        started: `time.monotonic()` at the start of the training.
        start: the model folder or hub id whose training went on; what its provenance says is kept, or its name.
    """
    import torch

    folder = Path(folder)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"cpu, {torch.get_num_threads()} threads"
    origin = ", going on from weights that an earlier training left" if start else " from scratch"
    rows = "\n".join(f"| {key} | {value:.4g} |" for key, value in metrics.items())
    write_text(folder / "README.md", CARD.format(name=name, summary=summary, script=script, start=origin, rows=rows))
    members = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    files = {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in members}
    write_json(
        folder / PROVENANCE,
        {
            "name": name,
            "script": script,
            "code": hash_code(script),
            "settings": settings,
            "start": start and read_start(start),
            "metrics": metrics,
            "device": device,
            "seconds": round(time.monotonic() - started),
            "date": time.strftime("%Y-%m-%d"),
            "python": sys.version.split()[0],
            "torch": torch.__version__,
            "platform": platform.machine(),
            "files": files,
        },
    )
