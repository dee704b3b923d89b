"""The figures of the paper: every notebook draws one, and says in its metadata where it stands and how it is captioned.

The metadata hold `craft: {order, beside, caption, reads}`: the place among the figures, the text that they stand beside
(one of `Beside`; without it, after all others), the caption as Typst markup, and the files that are read beside the
settings of the run, as paths below the results folder with the wildcards `{dataset}`, `{method}`, `{trained}` (a method
that has an adapter) and `{seed}`. With `paper: false` beside these the figure is none of the paper's, and a target of
its own asks for it. Nothing else lists figures.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from craft.core.errors import CraftError, explain_validation
from craft.core.settings import Strict

# paragraphs of the paper's results that figures stand beside
Beside = Literal["images", "alignment", "cost", "diversity", "memorization", "validity"]
EXAMPLE = '"craft": {"order": 60, "caption": "What is shown.", "reads": ["{dataset}/images.parquet"]}'


class FigureMetadata(Strict):
    """What a notebook says about its figure."""

    order: int = Field(description="figures stand in ascending order")
    beside: Beside | None = Field(None, description="paragraph of the paper's results that it stands beside")
    caption: str = Field(min_length=1, description="Typst markup; `run` is what the paper knows of its run")
    reads: list[str] = Field(description="files below the results folder, with wildcards")
    paper: bool = Field(True, description="whether it is one of the paper's; false: a target of its own asks for it")


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: of the notebook, and of the pictures that it draws, without suffix.
        caption: Typst markup.
        reads: files below the results folder, with wildcards.
        paper: whether it is one of the paper's.
        beside: the paragraph of the paper's results that it stands beside; None: after all others.
        text: what the notebook says under its heading, in plain words.
    """

    name: str
    caption: str
    reads: tuple[str, ...]
    paper: bool = True
    text: str = ""
    beside: str | None = None


def list_figures(folder: Path) -> list[Figure]:
    """The figures of a folder of notebooks, in their order.

    Raises:
        CraftError: if a notebook lacks its metadata.
    """
    found = [(read_metadata(path), path.stem) for path in sorted(Path(folder).glob("*.ipynb"))]
    found.sort(key=lambda entry: (entry[0].order, entry[1]))
    return [
        Figure(
            name,
            metadata.caption,
            tuple(metadata.reads),
            metadata.paper,
            read_text(Path(folder, f"{name}.ipynb")),
            metadata.beside,
        )
        for metadata, name in found
    ]


def read_metadata(notebook: Path) -> FigureMetadata:
    """What a notebook says about its figure.

    Raises:
        CraftError: if it says nothing, or something else than `FigureMetadata` has room for.
    """
    raw = json.loads(Path(notebook).read_text(encoding="utf-8"))["metadata"].get("craft")
    if raw is None:
        raise CraftError(f"{notebook} does not describe its figure: add to its metadata for example {EXAMPLE}")
    try:
        return FigureMetadata.model_validate(raw)
    except ValidationError as error:
        raise CraftError(f"{notebook}: the metadata `craft` are wrong {explain_validation(error)}") from error


def read_text(notebook: Path) -> str:
    """What the first cell of a notebook says under its heading; '' where it holds no prose."""
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    if not cells or cells[0]["cell_type"] != "markdown":
        return ""
    return "".join(line for line in cells[0]["source"] if not line.startswith("#")).strip()
