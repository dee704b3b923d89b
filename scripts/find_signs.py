"""Find which checklist items are true of which training and test image of one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.auditing.settings import SignsJob


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    output: Annotated[Path, typer.Option(help="table of signs, one row per image and item (written)")],
) -> None:
    """Tell every checklist item of every training and test image, from what was drawn or from biomarkers."""
    from craft.core.files import write_parquet
    from craft.evaluation.auditing.signs import find_signs
    from craft.knowledge.schema import Knowledge

    write_parquet(output, find_signs(SignsJob.load(settings), Knowledge.load(knowledge), images))


if __name__ == "__main__":
    run(main)
