"""The further tables of an archived run: fidelity, memorization, downstream use, validity, the guard, and costs."""

from craft.core.settings import REAL
from craft.documentation.archive import Archive
from craft.documentation.headline import judged, p_value, strongest_by_cas
from craft.documentation.markdown import NOTHING, code, interval, make_table, number, percent
from craft.evaluation.reporting.findings.base import JUDGES, evaluators_of, first_judge, our_method, row_of, rows_of
from craft.evaluation.tables import ALL
from craft.reward.dimensions import DIMENSIONS

# column's title: metric, decimals
FIDELITY = {"FID": ("fid", 2), "precision": ("precision", 2), "recall": ("recall", 2), "diversity": ("diversity", 3)}


def write_fidelity(archive: Archive) -> str:
    """Distances to the test images, of train images, the strongest baseline by CAS and the reward method."""
    table, rows = archive.tables["fidelity"], []
    judge = evaluators_of(archive.tables, "held_out")[0]
    for dataset in archive.run.datasets:
        methods = (REAL, strongest_by_cas(archive, dataset, judge), str(our_method(archive.run)))
        for name in rows_of(table, dataset=dataset)["evaluator"].unique():
            for method in methods:
                keys = {"dataset": dataset, "label": ALL, "method": method, "evaluator": name}
                found = [(row_of(table, metric=metric, **keys), digits) for metric, digits in FIDELITY.values()]
                cells = [interval(row, digits=digits) for row, digits in found]
                rows.append([dataset, code(name), "train images" if method == REAL else code(method), *cells])
    return make_table(("dataset", "features", "images", *FIDELITY), rows)


def write_memorization(archive: Archive) -> str:
    """Share of images that are flagged as copies, percent, what that rests on, and membership inference by features."""
    table, rows = archive.tables["memorization"], []
    measures, judge = list(table["evaluator"].unique()), first_judge(table[table["role"] != "pixels"])
    for dataset in archive.run.datasets:
        for method in (REAL, str(our_method(archive.run))):
            keys = {"dataset": dataset, "label": ALL, "method": method}
            found = [row_of(table, evaluator=name, metric="copy_rate", **keys) for name in measures]
            rates = [interval(row, percent) for row in found]
            rests_on = ", ".join(dict.fromkeys(number(row["rests_on"], 0) for row in found if row is not None))
            inferred = interval(row_of(table, evaluator=judge, metric="membership_auroc", **keys), digits=2)
            rows.append([dataset, "test images" if method == REAL else code(method), *rates, rests_on, inferred])
    header = ("dataset", "images", *map(code, measures), "test images up to the threshold", "membership AUROC")
    return make_table(header, rows)


def write_downstream(archive: Archive) -> str:
    """Macro-AUROC of the classifiers on real test images, one row per backbone and training set."""
    table, datasets, rows = archive.tables["downstream"], list(archive.run.datasets), []
    for backbone, arm in table[["evaluator", "method"]].drop_duplicates().itertuples(index=False):
        keys = {"label": ALL, "evaluator": backbone, "method": arm, "metric": "macro_auroc"}
        values = [interval(row_of(table, dataset=dataset, **keys)) for dataset in datasets]
        rows.append([code(backbone), code(arm), *values])
    return make_table(("backbone", "trained on", *datasets), rows)


def write_downstream_differences(archive: Archive) -> str:
    """Paired differences in macro-AUROC between training sets, with the p-value after Holm's correction."""
    table, datasets, rows = archive.tables["downstream_differences"], list(archive.run.datasets), []
    kinds = table[["evaluator", "method", "against"]].drop_duplicates()
    for backbone, arm, against in kinds.itertuples(index=False):
        keys = {"evaluator": backbone, "method": arm, "against": against, "metric": "macro_auroc"}
        found = [row_of(table, dataset=dataset, **keys) for dataset in datasets]
        cells = [NOTHING if row is None else f"{interval(row)}, p {p_value(row)}" for row in found]
        rows.append([code(backbone), f"{code(arm)} against {code(against)}", *cells])
    return make_table(("backbone", "trained on", *datasets), rows)


def write_validity(archive: Archive) -> str:
    """How well CAS and its dimensions tell an image's own label from others, and how CAS follows the classifier."""
    table, rows = archive.tables["validity"], []
    places = [place for role in JUDGES for place in judged(archive, role)]
    order = list(archive.run.datasets)
    for place in sorted(places, key=lambda each: order.index(each["dataset"])):
        swap = {"study": "label_swap", "metric": "auroc", **place}
        cells = [interval(row_of(table, dimension=name, **swap), digits=2) for name in (*DIMENSIONS, "cas")]
        follows = {"study": "classifier", "metric": "spearman", "condition": ALL, "dimension": "cas", **place}
        cells.append(interval(row_of(table, **follows), digits=2))
        rows.append([place["dataset"], code(place["evaluator"]), *cells])
    return make_table(("dataset", "evaluator", *DIMENSIONS, "CAS", "CAS and classifier"), rows)


def write_kept(archive: Archive) -> str:
    """The states that the guard kept; diversity as a percentage of the start's."""
    rows = []
    for row in archive.kept.to_dict("records"):
        shares = [percent(row[name], 0) for name in ("diversity", "semantic_diversity")]
        ended = "yes" if row["stopped"] else "no"
        rows.append([row["dataset"], code(row["method"]), str(row["seed"]), str(row["step"]), ended, *shares])
    header = (
        "dataset",
        "method",
        "seed",
        "kept step",
        "ended early",
        "diversity under the encoder",
        "under the evaluator",
    )
    return make_table(header, rows)


def write_jobs(archive: Archive) -> str:
    """What the jobs of the run took, by rule."""
    rows = []
    for row in archive.jobs.to_dict("records"):
        times = [number(row[name], 1) for name in ("minutes", "cpu_minutes")]
        rows.append([code(row["rule"]), str(row["jobs"]), *times, number(row["peak_mb"], 0)])
    return make_table(("rule", "jobs", "minutes", "CPU minutes", "largest memory, MB"), rows)
