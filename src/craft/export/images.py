"""Synthetic images as a data set of their own: files with their labels, prompts and scores, and a datasheet."""

from pathlib import Path
from typing import Literal

import pandas as pd

from craft.core.errors import CraftError
from craft.core.files import atomic_path, write_csv, write_parquet, write_text
from craft.core.images import COLUMNS, read_images, write_images
from craft.evaluation.scoring.results import SCORES
from craft.export.cards import terms_of, write_out
from craft.export.choice import Exported
from craft.models.provenance import write_record
from craft.reward.dimensions import DIMENSIONS

Form = Literal["folder", "parquet"]
TABLES = {"folder": "metadata.csv", "parquet": "images.parquet"}


def export_images(exported: Exported, folder: Path, form: Form, minimum: float | None, evaluator: str | None) -> int:
    """Write the images of a method, all or those that one judge gives a high CAS; returns their number.

    Args:
        exported: whose images.
        folder: to write.
        form: `folder` is a PNG file per image below a folder per label, with `metadata.csv` as Hugging Face `datasets`
            reads it; `parquet` is one image table, with `scores.parquet` beside it.
        minimum: least CAS; None keeps every image.
        evaluator: of the run whose scores are written and chosen by; None is the first held-out one.

    Raises:
        CraftError: if the folder is there already, the run has no such evaluator, or no image is good enough.
    """
    scores = scores_of(exported, evaluator)
    images = read_images(exported.path("images.parquet"))
    judged = images.merge(scores, on="image_id", validate="one_to_one")
    kept = judged[judged["cas"] >= minimum] if minimum is not None else judged
    if kept.empty:
        raise CraftError(
            f"no image of {exported.name} has a CAS of {minimum:g}; the highest is {judged['cas'].max():.3f}"
        )
    given = exported.method in exported.results.run.given
    origins = exported.origins()
    start = None if given else exported.start()
    counts = {
        label: {"kept": int((kept["label"] == label).sum()), "made": int((judged["label"] == label).sum())}
        for label in exported.results.run.datasets[exported.dataset]
    }
    sheet = write_out(
        "datasheet.md.j2",
        **{"dataset": exported.dataset, "method": exported.method, "seed": exported.seed, "table": TABLES[form]},
        **{"kept": len(kept), "made": len(judged), "counts": counts, "minimum": minimum, "given": given},
        **{"evaluator": scores.attrs["evaluator"], "role": scores.attrs["role"], "images": origins},
        **terms_of(origins, start),
    )
    with atomic_path(folder) as staged:
        staged.mkdir(exist_ok=True)
        write_form(staged, kept, form)
        write_text(staged / "README.md", sheet)
        record = {"name": exported.name, "images": origins, "trainings": exported.trainings(), "minimum_cas": minimum}
        write_record(staged, record | {"evaluator": scores.attrs["evaluator"]})
    return len(kept)


def scores_of(exported: Exported, evaluator: str | None) -> pd.DataFrame:
    """CAS and dimensions of every image under one evaluator, whose name and role are in `attrs`."""
    frame = SCORES.load(exported.path(SCORES.name))
    known = frame[["evaluator", "role"]].drop_duplicates().set_index("evaluator")["role"]
    judges = known[known.isin(("reward", "monitor", "held_out"))]
    name = evaluator or judges.index[judges == "held_out"][0]
    if name not in judges:
        raise CraftError(f"the run has no evaluator {name!r}; name one of {', '.join(judges.index)} with `--evaluator`")
    own = frame[frame["evaluator"] == name][["image_id", "cas", *DIMENSIONS]]
    own.attrs = {"evaluator": name, "role": judges[name]}
    return own


def write_form(folder: Path, kept: pd.DataFrame, form: Form) -> None:
    """Write images and scores in one of the two forms."""
    scores = ["cas", *DIMENSIONS]
    if form == "parquet":
        write_images(folder / TABLES[form], kept[list(COLUMNS)].to_dict("records"))
        write_parquet(folder / "scores.parquet", kept[["image_id", "label", *scores]].reset_index(drop=True))
        return
    names = kept["label"] + "/" + kept["image_id"] + ".png"
    for name, cell in zip(names, kept["image"], strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(cell["bytes"])
    rows = kept[["label", "caption", *scores]].rename(columns={"caption": "prompt"})
    rows.insert(0, "file_name", names)
    write_csv(folder / TABLES[form], rows)
