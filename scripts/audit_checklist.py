"""Answer the checklist items of the real test images and of the generated images of all methods of one dataset."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.evaluation.auditing.settings import AuditJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    generated: Annotated[
        list[Path], typer.Option(help="image table of generated images; repeated, in the order of the settings")
    ],
    measures: Annotated[Path, typer.Option(help="biomarkers of the dataset's and of the generated images")],
    audit: Annotated[Path, typer.Option(help="answers, one row per image, item and auditor (written)")],
    criteria: Annotated[Path, typer.Option(help="how every item is judged, or why it cannot be (written)")],
) -> None:
    """Audit the images of a dataset by the checklists of their labels."""
    import pandas as pd

    from craft.core.files import write_csv, write_parquet
    from craft.evaluation.auditing.audit import audit_images
    from craft.evaluation.auditing.auditors import open_auditors
    from craft.evaluation.biomarkers.results import MEASURED
    from craft.knowledge.schema import Knowledge

    measured = MEASURED.load(measures)
    job, known = AuditJob.load(settings), Knowledge.load(knowledge)
    with lease_device() if job.audit.asks_local_model else nullcontext("cpu") as device:
        auditors = open_auditors(job, known, images, measured, device)
        write_csv(criteria, pd.concat([auditor.describe() for auditor in auditors], ignore_index=True))
        write_parquet(audit, audit_images(job, auditors, known, images, generated, measured))


if __name__ == "__main__":
    run(main)
