"""The one exception that a user's mistake raises, and the sentences made of it."""

from pydantic import ValidationError


class CraftError(Exception):
    """A mistake the user can mend; its text is one sentence: what, where, what was expected, how to mend it."""

    exit_code = 2


def explain_validation(error: Exception) -> str:
    """The first finding of a pydantic or YAML error as one line: where it is and what is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        return f"at {where!r}: {first['msg']}"
    return " ".join(str(error).split())
