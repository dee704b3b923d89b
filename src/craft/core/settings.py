"""Resolved settings: the small YAML that every job takes as input, holding all it needs to know and nothing else.

`craft.core.resolve` makes them from the configuration. The job keeps a copy of what it ran with beside its output.
"""

from pathlib import Path
from typing import Self

import yaml
from pydantic import ValidationError

from craft.core.config.base import Role, Strict
from craft.core.config.datasets import Dataset
from craft.core.config.evaluation import Audit, Downstream, Fidelity, Generation, Memorization, Scoring, Validity
from craft.core.config.knowledge import KnowledgeSource
from craft.core.config.methods import Reward, Sampling, Supervised
from craft.core.config.models import EvaluatorTraining, FoundationTraining, TruthTraining
from craft.core.errors import CraftError, explain_validation


class Settings(Strict):
    """Base of all jobs' settings."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a settings file.

        Raises:
            CraftError: if it is missing or does not fit the job.
        """
        if not Path(path).is_file():
            raise CraftError(f"no settings file {path}: `snakemake -n` writes it from the configuration")
        try:
            return cls.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise CraftError(f"{path} does not fit this job: {explain_validation(error)}") from error

    def to_yaml(self) -> str:
        """The settings as YAML, in the order of the class."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=120)

    def save(self, path: Path) -> None:
        """Write the settings, so that a result says what it was made with."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


class EvaluatorRef(Strict):
    """Which evaluator plays which role, and where its folder (or hub id) is."""

    name: str
    role: Role
    path: str


class PrepareSettings(Settings):
    dataset: str
    resolution: int
    source: Dataset


class KnowledgeSettings(Settings):
    dataset: str
    modality: str
    labels: list[str]
    source: KnowledgeSource


class FoundationSettings(Settings):
    resolution: int
    datasets: list[str]
    training: FoundationTraining


class EvaluatorSettings(Settings):
    evaluator: str
    resolution: int
    datasets: list[str]
    training: EvaluatorTraining


class TruthSettings(Settings):
    resolution: int
    labels: dict[str, list[str]]
    training: TruthTraining


class ModelCheckSettings(Settings):
    foundation: str
    truth: str
    sampling: Sampling
    samples: int = 100


class EncodeSettings(Settings):
    dataset: str
    foundation: str
    evaluators: list[EvaluatorRef]


class CalibrationSettings(Settings):
    dataset: str
    evaluators: list[EvaluatorRef]
    neighbours: int


class MethodSettings(Settings):
    """What trains one adapter (supervised or reward)."""

    dataset: str
    method: str
    seed: int
    spec: Supervised | Reward
    resolution: int
    foundation: str
    evaluators: list[EvaluatorRef]
    sampling: Sampling
    neighbours: int


class GenerationSettings(Settings):
    dataset: str
    method: str
    seed: int
    prompts: str
    resolution: int
    foundation: str
    sampling: Sampling
    generation: Generation


class ScoreSettings(Settings):
    dataset: str
    modality: str
    labels: list[str]
    evaluators: list[EvaluatorRef]
    truth: str | None
    runs: list[tuple[str, int]]
    neighbours: int


class ValiditySettings(ScoreSettings):
    """What is scored, and which methods were finetuned with a reward, on which seeds."""

    rewarded: list[str]
    seeds: list[int]
    scoring: Scoring
    validity: Validity


class DownstreamSettings(Settings):
    dataset: str
    labels: list[str]
    methods: list[str]
    seeds: list[int]
    spec: Downstream


class FidelitySettings(Settings):
    dataset: str
    evaluators: list[EvaluatorRef]
    runs: list[tuple[str, int]]
    spec: Fidelity


class AuditSettings(Settings):
    dataset: str
    modality: str
    runs: list[tuple[str, int]]
    spec: Audit


class MemorizationSettings(Settings):
    dataset: str
    evaluator: str
    methods: list[str]
    seeds: list[int]
    spec: Memorization


class TableSettings(Settings):
    datasets: dict[str, list[str]]
    methods: list[str]
    rewards: list[str]
    seeds: list[int]
    scoring: Scoring
