"""The table that an analysis of readers' answers writes."""

STUDY_COLUMNS = (
    *("study", "dataset", "label", "reader", "method", "against", "metric"),
    *("value", "low", "high", "p", "n", "readers"),
)
