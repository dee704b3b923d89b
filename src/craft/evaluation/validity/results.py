"""What the study of CAS as a proxy leaves behind: one tidy row per number, with its interval and files."""

from craft.evaluation.results import ResultFile

STUDIES = (
    *("judges", "dimensions", "reliability", "no_images"),
    *("label_swap", "drop_one", "same_images", "damage", "classifier", "gap"),
)
COLUMNS = (
    *("study", "dataset", "method", "evaluator", "role", "dimension", "condition", "level", "metric"),
    *("value", "low", "high", "natural", "over", "n", "seeds", "source"),
)
# the share of what is no image that shall lie below nearly all real test images
ENOUGH_REFUSED = 0.95

VALIDITY = ResultFile("validity.parquet", "check_validity", COLUMNS, key=COLUMNS[:9])
