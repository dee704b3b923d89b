"""Write the knowledge of one dataset's labels, from the bank or a language model, and check it."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.knowledge.settings import KnowledgeJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file to write")],
    provenance: Annotated[Path, typer.Option(help="JSON file to write: where the knowledge comes from")],
    images: Annotated[Path | None, typer.Option(help="image table, where the model is shown reference images")] = None,
) -> None:
    """Write the enriched prompts and checklists of one dataset, validated."""
    job = KnowledgeJob.load(settings)
    from craft.knowledge.write import write_knowledge

    written = write_knowledge(job.knowledge, job.modality, job.labels, images)
    written.refuse_findings()
    written.save(knowledge, provenance)


if __name__ == "__main__":
    run(main)
