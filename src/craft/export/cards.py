"""What stands in the README of an exported folder: a model card of the hub's form, or a datasheet."""

from typing import Any

import jinja2

from craft.models.provenance import OF_OTHERS, OF_PHANTOMS, knows_phantoms_only


def write_out(template: str, **values: Any) -> str:
    """The text of a template of this package; a value that it lacks is an error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("craft.export"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template(template).render(**values)


def terms_of(images: dict[str, int], start: dict | str | None) -> dict[str, Any]:
    """Licence and terms: ours where phantoms alone formed the generator.

    Args:
        images: numbers of training images by origin.
        start: provenance of the foundation, or its name where it has none.
    """
    phantoms = knows_phantoms_only(images, start)
    terms = OF_PHANTOMS if phantoms else OF_OTHERS
    return {"phantoms": phantoms, "license": "apache-2.0" if phantoms else "other", "terms": terms}
