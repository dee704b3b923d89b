"""The table of validity: the studies of all datasets under each other."""

import pandas as pd

from craft.evaluation.results import Results
from craft.evaluation.tables import Table
from craft.evaluation.validity.results import COLUMNS, VALIDITY


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return results.read(VALIDITY)


TABLE = Table(make, "whether CAS follows what images show: the studies of CAS as a proxy", (VALIDITY,), COLUMNS)
