"""Words for a number."""


def graded(value: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    """The first of the words below `low`, the last from `high` on, the middle one between; '' says nothing."""
    return words[0] if value < low else words[1] if value < high else words[2]
