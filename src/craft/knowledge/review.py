"""Pages on which a clinician reviews the knowledge of a modality: one printable page a label, and a list of them."""

from pathlib import Path
from typing import Any

from craft.core.files import write_text
from craft.core.reading import reading
from craft.knowledge.schema import OVERVIEW, Knowledge


def write_review(knowledge: Knowledge, folder: Path, provenance: dict[str, Any] | None = None) -> list[Path]:
    """Write `index.html` and `<label>.html` of every label, which refer to nothing outside themselves.

    Args:
        knowledge: the knowledge to be reviewed.
        folder: of the pages; pages of the same name are replaced.
        provenance: what is known of where the knowledge comes from; printed on every page.

    Returns:
        The pages, the index first.
    """
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("craft.knowledge"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    labels = list(knowledge.labels)
    shared = {"modality": knowledge.modality.replace("_", " "), "knowledge": knowledge, "provenance": provenance or {}}
    with reading("the provenance beside the knowledge", "what `craft knowledge write` notes", "write it again"):
        pages = {f"{OVERVIEW}.html": templates.get_template("index.html.j2").render(**shared)}
        for number, label in enumerate(labels):
            pages[f"{label}.html"] = templates.get_template("label.html.j2").render(
                label=label,
                known=knowledge.labels[label],
                origin=(provenance or {}).get("labels", {}),
                number=number + 1,
                before=labels[number - 1] if number else None,
                after=labels[number + 1] if number + 1 < len(labels) else None,
                **shared,
            )
    for name, text in pages.items():
        write_text(Path(folder) / name, text)
    return [Path(folder) / name for name in pages]
