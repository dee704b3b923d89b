"""What the answers of a reader study say: a table of tidy rows, one per number."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from craft.core.errors import CraftError, list_names
from craft.core.seeds import numpy_generator
from craft.evaluation.reader_study.responses import NEITHER, Response, StudyKey, list_answers, list_grades
from craft.evaluation.reader_study.results import STUDY_COLUMNS
from craft.evaluation.statistics.choices import bradley_terry, cohen_kappa, exact_interval, fleiss_kappa
from craft.evaluation.tables import ALL

# resamples of pairs behind the intervals of strengths
RESAMPLES = 1000


def analyse_study(
    key: StudyKey, responses: Sequence[Response], confidence: float = 0.95, keep_inattentive: bool = False
) -> pd.DataFrame:
    """The table of a study.

    Metrics: `win_rate` is the share of answers that choose the method, of those that choose at all; `pair_win_rate` the
    same of pairs, each decided by most of its readers, so that a pair counts once however many readers it had.
    Both have Clopper-Pearson intervals and exact two-sided p-values against one half. `no_difference` is the share of
    answers that choose neither, `confidence` their mean certainty, `strength` the log of a Bradley-Terry strength.
    `agreement_within` and `kappa_within` compare a reader's two answers to repeated pairs, `kappa` two readers,
    `fleiss_kappa` all of them. `realism` is the mean grade of a method's images, `signs` the share of the label's signs
    that they show. `attention_failed` is the share of attention checks that a reader failed.

    Args:
        key: of the study.
        responses: of its readers, at least one.
        confidence: of all intervals.
        keep_inattentive: whether readers that failed an attention check count nevertheless.

    Returns:
        A frame with the columns `STUDY_COLUMNS`; cells that would have no meaning are empty.

    Raises:
        CraftError: if no reader, or no answer to a pair that counts, is left.
    """
    answers, grades = list_answers(key, responses), list_grades(key, responses)
    rows = list(attention_rows(answers, confidence))
    left_out = [] if keep_inattentive else inattentive_readers(answers)
    counted = answers[~answers["reader"].isin(left_out)]
    main = counted[counted["kind"] == "main"]
    if main.empty:
        raise CraftError(
            "no answer is left that counts"
            + (f": {list_names(left_out)} failed an attention check" if left_out else "")
        )
    for against, group in main.groupby("against", sort=False):
        for place in places(group):
            rows += choice_rows(key.of, str(against), *place, confidence)
    rows += strength_rows(key, main, confidence)
    rows += agreement_rows(main, counted[counted["kind"] == "repeat"], confidence)
    if len(grades):
        rows += grade_rows(grades[~grades["reader"].isin(left_out)], confidence)
    return pd.DataFrame(rows).reindex(columns=list(STUDY_COLUMNS)).assign(study=key.study).astype({"n": "Int64"})


def inattentive_readers(answers: pd.DataFrame) -> list[str]:
    """Readers that failed an attention check."""
    return list(dict.fromkeys(answers.loc[answers["failed"], "reader"]))


def attention_rows(answers: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """How many attention checks every reader failed."""
    for reader, group in answers[answers["kind"] == "check"].groupby("reader", sort=False):
        failed = share(int(group["failed"].sum()), len(group), confidence)
        yield place_row(reader=reader, metric="attention_failed") | failed


def places(frame: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Dataset, label and reader with their rows: all, every dataset and label, and every reader."""
    yield ALL, ALL, ALL, frame
    for dataset, group in frame.groupby("dataset", sort=False):
        yield str(dataset), ALL, ALL, group
        for label, own in group.groupby("label", sort=False):
            yield str(dataset), str(label), ALL, own
    if frame["reader"].nunique() > 1:
        for reader, group in frame.groupby("reader", sort=False):
            yield ALL, ALL, str(reader), group


def choice_rows(
    own: str, against: str, dataset: str, label: str, reader: str, group: pd.DataFrame, confidence: float
) -> Iterator[dict]:
    """What some answers to pairs of two methods choose."""
    place = place_row(dataset=dataset, label=label, reader=reader, method=own, against=against)
    place["readers"] = group["reader"].nunique()
    value = group["chosen"].map({own: 1, against: -1, NEITHER: 0})
    by_pair = np.sign(value.groupby(group["pair"]).sum())
    # one reader decides every pair alone
    for metric, votes in [("win_rate", value)] + [("pair_win_rate", by_pair)] * (reader == ALL):
        wins, n = int((votes > 0).sum()), int((votes != 0).sum())
        p = stats.binomtest(wins, n, 0.5).pvalue if n else None
        yield place | {"metric": metric, "p": p} | share(wins, n, confidence)
    yield place | {"metric": "no_difference"} | share(int((value == 0).sum()), len(value), confidence)
    yield place | {"metric": "confidence", "value": group["confidence"].mean(), "n": len(group)}


def strength_rows(key: StudyKey, main: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """Bradley-Terry strengths of all methods; intervals resample the pairs of two methods with all their answers."""
    methods = [method for method in key.methods if method in {key.of, *main["against"]}]
    rng, whole = numpy_generator("reader_study", "strengths", key.study), np.zeros((len(methods), len(methods)))
    drawn = np.zeros((RESAMPLES, *whole.shape))
    for _, group in main.groupby("against", sort=False):
        wins = np.stack([count_wins(pair, key.of, methods) for _, pair in group.groupby("pair", sort=False)])
        counts = rng.multinomial(len(wins), np.full(len(wins), 1 / len(wins)), RESAMPLES)
        whole, drawn = whole + wins.sum(axis=0), drawn + np.tensordot(counts, wins, 1)
    strengths = np.stack([bradley_terry(each) for each in drawn])
    ends = np.quantile(strengths, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    for number, value in enumerate(bradley_terry(whole)):
        place = place_row(method=methods[number], metric="strength") | {"readers": main["reader"].nunique()}
        yield place | {"value": value, "low": ends[0, number], "high": ends[1, number], "n": len(main)}


def count_wins(group: pd.DataFrame, own: str, methods: list[str]) -> np.ndarray:
    """How often one method was chosen over another, shape (methods, methods); `NEITHER` is half a win either way."""
    wins = np.zeros((len(methods), len(methods)))
    for chosen, against in zip(group["chosen"], group["against"], strict=True):
        first, second = methods.index(own), methods.index(against)
        wins[first, second] += {own: 1.0, NEITHER: 0.5}.get(chosen, 0.0)
        wins[second, first] += {against: 1.0, NEITHER: 0.5}.get(chosen, 0.0)
    return wins


def agreement_rows(main: pd.DataFrame, repeats: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """How a reader agrees with itself, and readers with each other."""
    chosen = main.pivot(index="pair", columns="reader", values="chosen")
    twice = repeats.merge(main, left_on=["reader", "repeats"], right_on=["reader", "pair"], suffixes=("", "_first"))
    groups = [(ALL, twice), *twice.groupby("reader", sort=False)] if len(twice) else []
    for reader, group in groups:
        same = int((group["chosen"] == group["chosen_first"]).sum())
        yield place_row(reader=reader, metric="agreement_within") | share(same, len(group), confidence)
        kappa = cohen_kappa(group["chosen"].to_numpy(str), group["chosen_first"].to_numpy(str))
        yield place_row(reader=reader, metric="kappa_within") | {"value": kappa, "n": len(group)}
    for first, second in combinations(chosen, 2):
        both = chosen[[first, second]].dropna()
        kappa = cohen_kappa(*both.to_numpy(str).T) if len(both) else None
        yield place_row(reader=f"{first}, {second}", metric="kappa") | {"value": kappa, "n": len(both), "readers": 2}
    complete = chosen.dropna()
    if chosen.shape[1] > 1 and len(complete):
        counts = complete.apply(lambda row: row.value_counts(), axis=1).fillna(0).to_numpy()
        place = place_row(metric="fleiss_kappa") | {"readers": chosen.shape[1]}
        yield place | {"value": fleiss_kappa(counts), "n": len(complete)}


def grade_rows(grades: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """How real the images of every method look, and which share of their signs they show."""
    for method, group in grades.groupby("method", sort=False):
        place = place_row(method=method) | {"readers": group["reader"].nunique()}
        means = group.dropna(subset="realism").groupby("pair")["realism"].mean()
        if len(means):
            reach = stats.t.ppf((1 + confidence) / 2, len(means) - 1) * stats.sem(means) if len(means) > 1 else np.nan
            ends = {"value": means.mean(), "low": means.mean() - reach, "high": means.mean() + reach}
            yield place | {"metric": "realism", "n": len(means)} | ends
        if told := int(group["told"].sum()):
            yield place | {"metric": "signs"} | share(int(group["shown"].sum()), told, confidence)


def place_row(**places: str) -> dict:
    """What a row is about; `all` where nothing is said."""
    return {"dataset": ALL, "label": ALL, "reader": ALL, "method": "", "against": ""} | places


def share(successes: int, n: int, confidence: float) -> dict:
    """The cells of a share with its exact interval; empty where nothing is counted."""
    if not n:
        return {"value": None, "low": None, "high": None, "n": 0}
    low, high = exact_interval(successes, n, confidence)
    return {"value": successes / n, "low": low, "high": high, "n": n}
