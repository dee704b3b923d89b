"""`craft docs`: the generated parts of README.md and docs/."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.reading import read_yaml
from craft.pipeline.config import Config, validate_config


def docs(
    results: Annotated[Path | None, typer.Option(help="finished run to archive in docs/results first")] = None,
    config: Annotated[Path, typer.Option(help="configuration of that run")] = Path("config.yaml"),
    commit: Annotated[
        str | None, typer.Option(help="commit that made it; by default that of this working tree")
    ] = None,
    machine: Annotated[str | None, typer.Option(help="machine that it ran on; by default this one")] = None,
) -> None:
    """Write the generated parts of README.md and docs/ from the archived tables of a run.

    Example:
      craft docs --results results
    """
    from craft.core.files import ROOT
    from craft.documentation.archive import Archive, archive_run
    from craft.documentation.pages import write_pages
    from craft.documentation.picture import PICTURE, shrink_picture
    from craft.documentation.sheets import write_sheets
    from craft.evaluation.results import Results

    if results is not None:
        given = {"commit": commit, "machine": machine, "configuration": config.as_posix()}
        facts = {name: value for name, value in given.items() if value is not None}
        archive_run(results, read_config(config), facts)
        shrink_picture(results / "figures" / PICTURE.name, PICTURE)
        write_sheets(results, Results.load(results).run)
        typer.echo(f"archived the tables and the pictures of {results}")
    for page in write_pages(Archive.load()):
        typer.echo(f"wrote {page.relative_to(ROOT)}")


def read_config(path: Path) -> Config:
    """A configuration file.

    Raises:
        CraftError: if it is missing, no YAML or wrong.
    """
    return validate_config(read_yaml(path, "name a configuration such as config.yaml"), path.as_posix())
