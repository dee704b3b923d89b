"""What all rooms of the evaluation share: how scores become numbers with intervals, and what a run consists of."""

from pydantic import Field

from craft.core.settings import CONTROLS, JobSettings, Name, Positive, Role, Share, Strict
from craft.models.backgrounds import Background


class ScoringSettings(Strict):
    """How images are scored, and how scores become numbers with intervals."""

    neighbours: Positive = Field(5, description="k of the plausibility dimension")
    batch: Positive = Field(
        64, description="images that are encoded, decoded or judged at a time; lower it where memory runs out"
    )
    tail_quantile: Share = Field(0.10, description="quantile of real test images' CAS below which alignment is low")
    further_tail_quantiles: list[Share] = Field([0.05, 0.01], description="thresholds beside the main one")
    bootstrap: Positive = Field(1000, le=1_000_000, description="resamples behind every interval")
    comparison_resamples: Positive = Field(
        10_000, le=1_000_000, description="resamples behind the intervals and p-values of paired comparisons"
    )
    confidence: Share = Field(0.95, description="share of the resamples between the ends of an interval")


class FeaturesRef(Strict):
    """Whose features of images a job reads from feature files: an evaluator's or an encoder's."""

    name: Name = Field(description="its name in the configuration, in feature files and in all tables")
    role: Role = Field(description="its role in the run")
    unit: bool = Field(True, description="whether its features have length one; an encoder's are as they are")


class Run(JobSettings):
    """What a run consists of; the settings of the job that collects its tables."""

    datasets: dict[str, list[str]] = Field(description="labels by dataset")
    unnamed_patients: list[str] = Field([], description="datasets that name no patients: each image counts as its own")
    resolution: Positive | None = Field(None, description="side of all images in pixels; unknown: null")
    methods: list[str] = Field(description="methods in the order of the configuration")
    rewarded: list[str] = Field(description="methods that were finetuned on a reward and count as no baseline")
    given: list[str] = Field([], description="methods whose images another program made, which share no noise")
    controls: list[str] = Field(
        list(CONTROLS), description="what methods are held against: real test images, as they are and decoded"
    )
    trainings: dict[str, list[str]] = Field(
        {}, description="methods whose trainings made what generates a method's images, the method itself first"
    )
    seeds: list[int] = Field(description="seeds of the generators")
    scoring: ScoringSettings = Field(description="the configuration's section `scoring`")
    judges: list[Background] = Field([], description="what is known of every evaluator and every encoder")

    def is_trained(self, method: str) -> bool:
        """Whether a method has a training of its own."""
        return self.trainings.get(method, [])[:1] == [method]

    @property
    def baselines(self) -> list[str]:
        """Methods that the rewarded ones are held against."""
        return [method for method in self.methods if method not in self.rewarded]

    @property
    def compared(self) -> list[str]:
        """Methods that comparisons are about: those with a reward; where there are none, those of other programs."""
        return self.rewarded or self.given


def tail_quantiles(scoring: ScoringSettings) -> list[float]:
    """The quantiles of real images at which there is a threshold, the main one first."""
    further = [quantile for quantile in scoring.further_tail_quantiles if quantile != scoring.tail_quantile]
    return [scoring.tail_quantile, *further]


def tail_metric(kind: str, quantile: float, scoring: ScoringSettings) -> str:
    """Name of a metric at a quantile: as it is at the main one, for example `tail_rate@0.05` elsewhere."""
    return kind if quantile == scoring.tail_quantile else f"{kind}@{quantile:g}"
