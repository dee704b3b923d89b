"""The list of a run's tables, from their registry."""

from craft.documentation.markdown import code, make_table
from craft.evaluation.tables import COLUMNS, TABLES

MEANING = {
    "dataset": "key of `datasets`; `all` for a mean over datasets",
    "label": "label, or `all`",
    "method": "method, `real` for the real test images, or what the table's title says",
    "evaluator": "who judges: an evaluator, the classifier of phantoms, an auditor, a way of comparing images",
    "role": "the judge's role in the run",
    "metric": "what is measured",
    "value": "the number, labels weighed alike",
    "low": "lower end of its interval",
    "high": "upper end of its interval",
    "natural": "the number at natural prevalence, every image weighed alike; empty where that has no meaning",
    "over": "what the interval is over: images (of this seed, or of these), or seeds and images",
    "n": "images behind it",
    "seeds": "seeds behind it",
    "source": "files below the results folder that it was made of",
}


def write_columns() -> str:
    """The columns that the tables share, with what they mean."""
    return make_table(("column", "what it holds"), [(code(name), MEANING[name]) for name in COLUMNS])


def write_tables() -> str:
    """Every table with its title and its columns, those that all tables share left out."""
    return make_table(
        ("table", "what it holds", "columns"),
        [(code(f"{name}.csv"), table.title, describe_columns(table.columns)) for name, table in TABLES.items()],
    )


def describe_columns(columns: tuple[str, ...]) -> str:
    """Columns in words, short where they are the shared ones and some more."""
    further = [code(name) for name in columns if name not in COLUMNS]
    if set(COLUMNS) <= set(columns):
        return "the shared ones" + (f", {', '.join(further)}" if further else "")
    return ", ".join(code(name) for name in columns)
