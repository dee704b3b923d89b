"""The table of an ablation: every variant of a method, and by how much it differs from the method as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from craft.evaluation.ablation.results import FEATURES
from craft.evaluation.ablation.settings import AblationJob
from craft.evaluation.comparison.pairs import Paired, pair_scores
from craft.evaluation.cost.table import WHOLE, cost_table
from craft.evaluation.fidelity.features import encoded_images
from craft.evaluation.fidelity.metrics import label_diversity
from craft.evaluation.results import Results, set_file
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES
from craft.evaluation.statistics.intervals import Estimate, Sampled, average, sample
from craft.evaluation.statistics.significance import correct_for_number
from craft.evaluation.tables import ALL, COLUMNS, table_row

ABLATION_COLUMNS = (
    *COLUMNS,
    *("what", "against", "difference", "difference_low", "difference_high", "p", "p_holm", "at_floor"),
)
SHARES = ("tail_rate", "label_agreement")


@dataclass(frozen=True)
class VariantMeasure:
    """One metric under one judge, of the method as it is and of all its variants.

    Attributes:
        metric: its name.
        evaluator: the judge.
        role: the judge's role.
        sampled: one column for each method, the unchanged one first, on the same resamples of the same image numbers.
        file: of every image set, that it was made of.
    """

    metric: str
    evaluator: str
    role: str
    sampled: Sampled
    file: str


def ablation_table(results: Results) -> pd.DataFrame:
    """Every variant beside the method as it is, for every dataset, and over datasets where there are several.

    Metrics: mean CAS and tail rate under every evaluator, label agreement where there is a classifier of phantoms,
    diversity within labels (mean cosine distance of the held-out encoder's features), and the UNet evaluations of all
    trainings and of the images, whose ends are the least and the most of the seeds. A `difference` is the variant less
    the method as it is, on pairs of images with the same label and noise; interval and p-value come from the same
    resamples, and Holm's correction runs over all variants and datasets of one metric under one evaluator. The mean
    over datasets is no further test, and so has no p-value.

    Args:
        results: of the method and its variants; the run is an `AblationJob`.

    Returns:
        A frame with the columns `ABLATION_COLUMNS`; the method as it is has no difference.

    Raises:
        CraftError: if a file is missing or broken, or the images of the methods do not pair.
    """
    job, pairs = results.run, pair_scores(results)
    measured = {
        dataset: [*score_measures(paired, job.methods), diversity_measure(results, dataset)]
        for dataset, paired in pairs.items()
    }
    rows = [row for dataset, found in measured.items() for each in found for row in measure_rows(job, dataset, each)]
    rows += cost_rows(results)
    if len(measured) > 1:
        for same in zip(*measured.values(), strict=True):
            whole = replace(same[0], sampled=average([each.sampled for each in same]))
            rows += [row | {"p": np.nan, "at_floor": None} for row in measure_rows(job, ALL, whole)]
    table = pd.DataFrame(rows, columns=list(ABLATION_COLUMNS)).astype({"n": "Int64"})
    # what is no test has no part in the correction for their number
    return table.assign(p_holm=correct_for_number(table[table["p"].notna()])["p_holm"])


def score_measures(paired: Paired, methods: list[str]) -> Iterator[VariantMeasure]:
    """What scores say of some methods of one dataset."""
    for evaluator, role in paired.roles.items():
        for metric in ("cas", "label_agreement") if role == PHANTOM_CLASSIFIER else ("cas", "tail_rate"):
            keys = [(metric, evaluator, method) for method in methods]
            yield VariantMeasure(metric, evaluator, role, paired.select(*keys), SCORES.name)


def diversity_measure(results: Results, dataset: str) -> VariantMeasure:
    """How different the images of a label are, by the features of one encoder."""
    job, scores = results.run, results.read(SCORES)
    scores = scores[(scores["dataset"] == dataset) & (scores["evaluator"] == scores["evaluator"].iloc[0])]
    labels, features = [], []
    for seed in job.seeds:
        own = scores[scores["seed"] == seed].sort_values("image_id").groupby("method")
        labels.append(own.get_group(job.unchanged)["label"].to_numpy(str))
        paths = {method: results.folder / set_file(dataset, method, seed, FEATURES) for method in job.methods}
        features.append([encoded_images(paths[each], job.features, own.get_group(each)["image_id"]) for each in paths])

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.stack([label_diversity(each, labels[group], counts) for each in features[group]], axis=1)

    sampled = sample(labels, statistic, job.scoring.comparison_resamples, "diversity", dataset)
    return VariantMeasure("diversity", job.features.name, job.features.role, sampled, FEATURES)


def measure_rows(job: AblationJob, dataset: str, measure: VariantMeasure) -> Iterator[dict]:
    """One row for the method as it is and one for each variant."""
    confidence, share = job.scoring.confidence, measure.metric in SHARES
    changed = measure.sampled.apply(lambda values: values[:, 1:] - values[:, :1])
    numbers = [None, *zip(changed.estimates(confidence), *changed.p_values(), strict=True)]
    estimates = measure.sampled.estimates(confidence, share)
    place = {"dataset": dataset, "evaluator": measure.evaluator, "role": measure.role, "metric": measure.metric}
    folder = "*" if dataset == ALL else dataset
    for method, estimate, difference in zip(job.methods, estimates, numbers, strict=True):
        source = set_file(folder, method, "*", measure.file)
        row = table_row(estimate, label=ALL, method=method, source=source, **place)
        yield row | difference_cells(job, method, *(difference or ()))


def difference_cells(
    job: AblationJob, method: str, difference: Estimate | None = None, p: float = np.nan, at_floor: bool | None = None
) -> dict:
    """The cells of a difference; empty of the method as it is."""
    if difference is None:
        return {"what": job.phrases.get(method, "")}
    ends = {"difference": difference.value, "difference_low": difference.low, "difference_high": difference.high}
    return {"what": job.phrases[method], "against": job.unchanged} | ends | {"p": p, "at_floor": at_floor}


def cost_rows(results: Results) -> list[dict]:
    """UNet evaluations of the trainings and images of every method, for every dataset."""
    job, cost = results.run, cost_table(results)
    cost = cost[(cost["stage"] == WHOLE) & (cost["metric"] == "unet_evaluations")]
    own = cost[cost["method"] == job.unchanged].set_index("dataset")["value"]
    rows = []
    for row in cost.to_dict("records"):
        changed = row["method"] != job.unchanged
        cells = {"label": ALL, "evaluator": "", "role": "", "what": job.phrases.get(row["method"], "")}
        if changed:
            cells |= {"against": job.unchanged, "difference": row["value"] - own[row["dataset"]]}
        rows.append({name: row[name] for name in row if name in ABLATION_COLUMNS} | cells)
    return rows
