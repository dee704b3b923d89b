"""Columns of the tables that compare, beside those of all tables."""

from craft.evaluation.tables import COLUMNS

AGAINST_COLUMNS = (*COLUMNS, "against")
DIFFERENCE_COLUMNS = (*AGAINST_COLUMNS, "p", "p_holm", "at_floor")
COMPARISON_COLUMNS = (*DIFFERENCE_COLUMNS, "paired", "cohen_dz", "rank_biserial")
