"""What trainings and sampling took, as the jobs recorded it."""

from craft.core.costs import MEMORY, SPENT
from craft.evaluation.results import ResultFile
from craft.training.results import COST_COLUMNS

# one row per step, the costs so far in each; preparation and the guard's checks are among them
HISTORY = ResultFile(
    "history.parquet", "train_adapter", ("step", *SPENT, MEMORY), by_image_set=True, sets="trained", key=("step",)
)
# one row
SAMPLING = ResultFile("cost.parquet", "generate_images", COST_COLUMNS, by_image_set=True, sets="sampled", key=("seed",))
