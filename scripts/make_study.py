"""Make the page of a blinded reader study, and the key to it."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.reader_study.settings import ReaderStudyJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeated, in the order of the settings")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeated, in the order of the settings")],
    page: Annotated[Path, typer.Option(help="the page, one HTML file (written)")],
    key: Annotated[Path, typer.Option(help="what its pairs are, a JSON file that no reader sees (written)")],
) -> None:
    """Draw pairs of images, and write the page that shows them and the key that says what they are."""
    from craft.core.files import write_json, write_text
    from craft.evaluation.reader_study.page import make_study

    html, answers = make_study(ReaderStudyJob.load(settings), images, knowledge)
    write_json(key, answers)
    write_text(page, html)


if __name__ == "__main__":
    run(main)
