"""Select the knowledge of one dataset's labels from the bank and check it."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_text
from craft.core.settings import KnowledgeSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file to write")],
) -> None:
    """Write the enriched prompts and checklists of one dataset, validated."""
    run_settings = KnowledgeSettings.load(settings)
    from craft.knowledge.schema import Knowledge

    book = Knowledge.load(Path(run_settings.folder) / f"{run_settings.modality}.yaml").select(run_settings.labels)
    write_text(knowledge, book.to_yaml())


if __name__ == "__main__":
    run(main)
