"""The items: subjects of CLAIM (Checklist for Artificial Intelligence in Medical Imaging, 2024 update) in our words.

An answer takes the facts of a run and gives sentences; None where no run can know it, or this one does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from craft.evaluation.checklist import answers
from craft.evaluation.checklist.facts import Facts

Answer = Callable[[Facts], str | None]


def unknown(facts: Facts) -> None:
    """The answer to what only its authors know of a study."""


@dataclass(frozen=True)
class Item:
    """One item.

    Attributes:
        section: it stands in.
        asked: what it asks for.
        answer: from the facts of a run.
        source: where the answer can be looked up, below the results folder; `{dataset}` stands for every dataset.
    """

    section: str
    asked: str
    answer: Answer
    source: str = ""


SETTINGS = "tables/settings/write_checklist.yaml"
ITEMS = (
    Item("Study design", "Were data collected before or after the study was planned?", answers.design),
    Item("Study design", "What is the study's goal?", answers.goal, SETTINGS),
    Item("Data", "Where do the data come from?", answers.sources, "{dataset}/counts.csv"),
    Item("Data", "Which data were left out, and why?", answers.exclusions, "{dataset}/left_out.csv"),
    Item("Data", "How were images prepared?", answers.preparation, "{dataset}/preparation.txt"),
    Item("Data", "Were subsets of the data chosen?", answers.subsets, SETTINGS),
    Item("Data", "How were patients' identities removed?", answers.identities),
    Item("Data", "How were images acquired?", answers.acquisition),
    Item("Reference standard", "What is taken as true?", answers.reference, "{dataset}/knowledge.yaml"),
    Item("Reference standard", "Who annotated the images, and how far do annotators agree?", answers.annotators),
    Item("Partitions", "How were data assigned to partitions?", answers.partitions, SETTINGS),
    Item("Partitions", "At which level are partitions disjoint?", answers.level, "{dataset}/twins.csv"),
    Item("Partitions", "How large is the sample, and why?", answers.sample_size, "{dataset}/counts.csv"),
    Item("Model", "What are the models?", answers.models, SETTINGS),
    Item("Model", "With which software and hardware?", answers.software, "tables/cost.csv"),
    Item("Model", "What do trainings start from?", answers.starts, SETTINGS),
    Item("Training", "How were models trained?", answers.training, "{dataset}/METHOD/seed*/settings/"),
    Item("Training", "How was the final model chosen?", answers.choice, "{dataset}/METHOD/seed*/history.parquet"),
    Item("Evaluation", "What is measured?", answers.measures, "tables/"),
    Item("Evaluation", "How are uncertainty and significance measured?", answers.uncertainty, "tables/comparisons.csv"),
    Item("Evaluation", "Was robustness analysed?", answers.robustness, "tables/validity.csv"),
    Item("Evaluation", "Was it tested on data of the same source?", answers.internal, "tables/cas.csv"),
    Item("Evaluation", "Was it tested on data of another source?", unknown),
    Item("Evaluation", "Is a clinical trial registered?", unknown),
    Item("Results", "How many patients and images were used?", answers.flow, "{dataset}/counts.csv"),
    Item("Results", "Who are the patients?", answers.patients),
    Item("Results", "How good is it, with which uncertainty?", answers.performance, "tables/cas.csv"),
    Item("Results", "Where does it fail?", answers.failures, "tables/tail.csv"),
    Item("Discussion", "What are the limits, and what follows for practice?", answers.limits),
    Item("Further", "Where is the full protocol?", answers.protocol, "**/settings/*.yaml"),
    Item("Further", "Are software, models and data available, under which licences?", answers.availability),
    Item("Further", "Who paid for the study?", unknown),
)
