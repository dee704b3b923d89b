"""`craft knowledge`: write, lint, compare and review the descriptions and checklists of labels."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from craft.core.cli import new_app
from craft.core.errors import CraftError
from craft.core.files import write_text
from craft.core.reading import read_json, read_yaml
from craft.core.settings import NAME
from craft.knowledge.diff import Change, LabelDiff, diff_knowledge
from craft.knowledge.schema import OVERVIEW, Knowledge
from craft.knowledge.settings import KnowledgeSettings
from craft.pipeline.config import validate_config
from craft.pipeline.explain import explain_config

BANK = Path("data/knowledge")
COLOURS = {"added": typer.colors.GREEN, "removed": typer.colors.RED, "changed": typer.colors.YELLOW}

HELP = """Write, lint, compare and review the descriptions and checklists of labels.

Example, for a modality of your own:
craft knowledge new ultrasound benign malignant
craft knowledge lint data/knowledge/ultrasound.yaml"""

app = new_app(no_args_is_help=True, help=HELP)
KnowledgeFile = Annotated[Path, typer.Argument(help="knowledge file", show_default=False)]


@app.command()
def write(
    modality: Annotated[str, typer.Argument(help="key of the modality, for example fundus", show_default=False)],
    labels: Annotated[list[str] | None, typer.Argument(help="label keys; all of the bank when left out")] = None,
    output: Annotated[Path, typer.Option(help="knowledge file to write", show_default=False)] = ...,
    config: Annotated[Path | None, typer.Option(help="configuration whose section `knowledge` holds")] = None,
    provider: Annotated[
        Literal["bank", "openai", "transformers"] | None,
        typer.Option(help="who writes, instead of the configuration's"),
    ] = None,
    model: Annotated[str | None, typer.Option(help="its model: the endpoint's name, a folder or a hub id")] = None,
    base_url: Annotated[str | None, typer.Option(help="the endpoint's address")] = None,
    cache: Annotated[str | None, typer.Option(help="folder that keeps the answers")] = None,
    images: Annotated[
        Path | None, typer.Option(help="image table whose images the model is shown (`reference_images`)")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace an existing file")] = False,
) -> None:
    """Write and lint the knowledge of a modality, from the bank or by a language model.

    Example:
      craft knowledge write fundus --output new.yaml --config my.yaml
    """
    from craft.knowledge.write import provenance_path, write_knowledge

    if output.exists() and not force:
        raise CraftError(f"{output} exists already; name another --output, or replace it with --force")
    given = {"provider": provider, "model": model, "base_url": base_url, "cache": cache}
    settings = read_settings(config, {name: value for name, value in given.items() if value is not None})
    written = write_knowledge(settings, modality, labels or [], images)
    written.save(output, provenance_path(output))
    typer.echo(f"wrote {output} ({count(len(written.knowledge.labels), 'label')}) and {provenance_path(output)}")
    print_findings([output], None)


@app.command()
def new(
    modality: Annotated[str, typer.Argument(help="key of the modality, for example ultrasound", show_default=False)],
    labels: Annotated[list[str], typer.Argument(help="label keys", show_default=False)],
    output: Annotated[Path | None, typer.Option(help="file to write; data/knowledge/MODALITY.yaml by default")] = None,
) -> None:
    """Begin a commented knowledge file whose texts are to be filled in.

    Example:
      craft knowledge new ultrasound benign malignant
    """
    from craft.knowledge.skeleton import write_skeleton

    output = output or BANK / f"{modality}.yaml"
    if wrong := [key for key in (modality, *labels) if not re.fullmatch(NAME, key) or key == OVERVIEW]:
        raise CraftError(
            f"{wrong[0]!r} is no key: write lower-case letters, digits and underscores, a letter first, and not"
            f" {OVERVIEW!r}"
        )
    if output.exists():
        raise CraftError(f"{output} exists already; add labels to it by hand, or name another --output")
    write_text(output, write_skeleton(modality, list(dict.fromkeys(labels))))
    typer.echo(f"wrote {output}; fill in its empty texts, then `craft knowledge lint {output}`")


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="knowledge files", show_default=False)],
    window: Annotated[int | None, typer.Option(help="tokens that the evaluator reads of a text")] = None,
) -> None:
    """Print what is to be mended in knowledge files; exit code 1 if anything is.

    Example:
      craft knowledge lint data/knowledge/fundus.yaml
    """
    print_findings(files, window)


@app.command()
def diff(
    new: KnowledgeFile,
    bank: Annotated[Path | None, typer.Argument(help="file it is compared with; that of the bank by default")] = None,
) -> None:
    """Print what a knowledge file changes against the bank, label by label.

    Example:
      craft knowledge diff new.yaml
    """
    changed = Knowledge.load(new)
    bank = bank or BANK / f"{changed.modality}.yaml"
    known = Knowledge.load(bank)
    found = diff_knowledge(changed, known)
    typer.echo(f"{new} against {bank}: {len(found)} of {count(len({*changed.labels, *known.labels}), 'label')} differ")
    for each in found:
        print_diff(each)


@app.command()
def review(
    file: KnowledgeFile,
    output: Annotated[Path, typer.Option(help="folder of the pages", show_default=False)] = ...,
) -> None:
    """Write printable pages on which a clinician reviews the knowledge, one per label.

    Example:
      craft knowledge review data/knowledge/fundus.yaml --output pages
    """
    from craft.knowledge.review import write_review
    from craft.knowledge.write import provenance_path

    beside = provenance_path(file)
    pages = write_review(Knowledge.load(file), output, read_json(beside) if beside.is_file() else None)
    typer.echo(f"wrote {len(pages)} pages; start with {pages[0]}")


def read_settings(config: Path | None, changes: dict[str, Any]) -> KnowledgeSettings:
    """The knowledge settings of a configuration (the bank without one), with changes.

    Raises:
        CraftError: if the configuration or a change is wrong.
    """
    settings = KnowledgeSettings()
    if config is not None:
        settings = validate_config(read_yaml(config, "name a configuration such as config.yaml"), str(config)).knowledge
    raw = settings.model_dump() | changes
    try:
        return KnowledgeSettings.model_validate(raw)
    except ValidationError as error:
        raise CraftError(
            f"the knowledge settings do not fit: {explain_config(error, KnowledgeSettings, raw)}"
        ) from error


def print_findings(files: list[Path], window: int | None) -> None:
    """Print the findings of files, or that there are none, and end with exit code 1 if there are any."""
    from craft.knowledge.lint import lint_file

    findings = [finding for file in files for finding in lint_file(file, window=window)]
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        places = len({finding.file for finding in findings})
        typer.echo(f"{count(len(findings), 'finding')} in {count(places, 'file')}", err=True)
        raise typer.Exit(1)
    typer.echo(f"nothing found in {count(len(files), 'file')}")


def print_diff(diff: LabelDiff) -> None:
    """Print the changes of one label, with signs for a file and colours for a terminal."""
    note = "" if diff.kind == "changed" else f" ({diff.kind})"
    typer.secho(f"\n{diff.label}{note}", bold=True, fg=None if diff.kind == "changed" else COLOURS[diff.kind])
    for name, changes in diff.changes.items():
        kinds = [change.kind for change in changes]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in COLOURS if kind in kinds)
        typer.echo(f"  {name}: {counts}")
        for change in changes:
            print_change(change)


def print_change(change: Change) -> None:
    """Print one change: what goes after a minus, what comes after a plus, a change as both with a mark."""
    mark = "~" if change.kind == "changed" else " "
    for sign, text, kind in (("-", change.old, "removed"), ("+", change.new, "added")):
        if text:
            typer.secho(f"   {mark}{sign} {text}", fg=COLOURS[kind])


def count(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}" + ("" if number == 1 else "s")
