"""A run of two datasets, and tables made of the few values that a finding looks at."""

import pandas as pd
import pytest

from craft.evaluation.settings import Run, ScoringSettings

LABELS = {"chest": ["normal", "effusion"], "skin": ["naevus", "melanoma"]}
EVALUATORS = {"judge": "reward", "watch": "monitor", "stranger": "held_out", "phantom_classifier": "phantom_classifier"}


def make_run(methods: list[str]) -> Run:
    """A run of the given methods, of which `craft` is finetuned on a reward."""
    return Run(
        datasets=LABELS,
        methods=methods,
        rewarded=[method for method in methods if method == "craft"],
        seeds=[0],
        scoring=ScoringSettings(),
    )


@pytest.fixture
def run() -> Run:
    return make_run(["plain", "lora", "craft"])


@pytest.fixture
def run_without_reward() -> Run:
    return make_run(["plain", "lora"])


@pytest.fixture
def make_table():
    """Rows given as values of the named columns, with what they share; bounds are the value where none are given."""

    def make(columns: str, *rows: tuple, **shared) -> pd.DataFrame:
        names = columns.split()
        frame = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows], columns=names).assign(**shared)
        if "value" in names:
            frame = frame.assign(**{name: frame["value"] for name in ("low", "high") if name not in names})
        return frame

    return make


@pytest.fixture
def cas(make_table) -> pd.DataFrame:
    """CAS under every evaluator: `lora` is the strongest baseline of chest, `plain` that of skin."""
    rows = []
    for dataset, values in {"chest": (0.3, 0.5, 0.9), "skin": (0.4, 0.2, 0.6)}.items():
        for evaluator, role in EVALUATORS.items():
            metric = "label_agreement" if role == "phantom_classifier" else "cas"
            methods = zip(("plain", "lora", "craft"), values, strict=True)
            rows += [(dataset, method, evaluator, role, metric, value) for method, value in methods]
    return make_table("dataset method evaluator role metric value", *rows, label="all")
