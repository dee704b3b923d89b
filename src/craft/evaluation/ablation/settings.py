"""Settings of the job that tabulates an ablation."""

from pydantic import Field

from craft.evaluation.settings import FeaturesRef, Run


class AblationJob(Run):
    """What `collect_ablations` needs to know: a run of one method and its variants alone."""

    phrases: dict[str, str] = Field(description="what every variant differs in, by its method's name")
    features: FeaturesRef = Field(description="whose features tell how varied images are")

    @property
    def unchanged(self) -> str:
        """The method that is varied."""
        return self.methods[0]
