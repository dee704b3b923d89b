"""What every kind of method provides: its settings, what it needs, and how its adapter is trained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field

from craft.core.files import atomic_path, write_parquet
from craft.core.settings import Name, Role, Strict
from craft.training.settings import Prompts, SamplingSettings

if TYPE_CHECKING:
    import pandas as pd

    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation
    from craft.training.settings import GenerationJob, MethodJob


@dataclass(frozen=True)
class MethodFiles:
    """The files of one dataset that a method is given; those that a rule does not hand over are None.

    `start` is the adapter folder of the method that this one starts from, None where that is the foundation.
    """

    images: Path
    latents: Path | None
    knowledge: Path
    features: Path | None = None
    calibration: Path | None = None
    start: Path | None = None

    def present(self) -> list[Path]:
        """The files that there are; what a training's identity depends on."""
        return [path for path in vars(self).values() if path is not None]


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        foundation: carries the trained adapter.
        history: one row for the start or for every step.
        pictures: the guard's pictures of its fixed noise, uint8 (images, 3, size, size), one tensor for every check.
        checks: images of the fixed noise at every check; None where there is no guard.
    """

    foundation: "Foundation"
    history: list[dict]
    pictures: list = field(default_factory=list)
    checks: "pd.DataFrame | None" = None

    def save(self, job: "MethodJob", adapter: Path, history: Path) -> None:
        """Write the history, and the adapter's folder with the settings that it was trained with."""
        import pandas as pd

        write_parquet(history, pd.DataFrame(self.history))
        with atomic_path(adapter) as folder:
            self.foundation.save_adapter(folder)
            job.save(folder / "settings.yaml")


PROMPTS = (
    "plain: the label prompt; enriched: a description of the label; learned: a coarse prompt with the word that textual"
    " inversion learned for the label"
)


class MethodSettings(Strict):
    """What every method has, whatever its kind; a kind's settings are a subclass that can train an adapter."""

    # the rule that trains the adapter; None where there is none to train
    rule: ClassVar[Literal["train_adapter", "finetune_reward"] | None] = None
    # roles of the evaluators that its training sees
    roles: ClassVar[tuple[Role, ...]] = ()
    # whether it is finetuned on a reward, which the tables compare with all methods that are not
    rewarded: ClassVar[bool] = False
    # whether the run samples its images from the foundation, image by image on the noise that all methods start from;
    # where it does not, `craft.training.methods.images` shows what a kind then provides
    sampled: ClassVar[bool] = True
    # whether it learns a word for every label, which its prompts and those of what starts from it can use
    learns_words: ClassVar[bool] = False
    # whether its images are chosen among several by the reward
    selects: ClassVar[bool] = False

    prompts: Prompts = Field("plain", description=PROMPTS)
    start: Name | None = Field(None, description="method from whose result this one starts; null: the foundation")
    sampling: SamplingSettings | None = Field(
        None, description="how its images are sampled; null: as the section `sampling` of the run says"
    )

    def needs(self) -> dict[str, str]:
        """Key -> method that it names: those whose settings or results this one is made of."""
        return {"start": self.start} if self.start else {}

    def check(self, name: str, methods: "Mapping[str, MethodSettings]", sampling: SamplingSettings) -> None:
        """Check what the settings of the run have to agree in.

        Args:
            name: of this method.
            methods: all methods of the run, which name each other without a circle.
            sampling: how images of this method are sampled.

        Raises:
            ValueError: one sentence that names the key below `methods`.
        """
        if self.prompts == "learned" and not any(methods[each].learns_words for each in line_of(name, methods)):
            raise ValueError(
                f"methods.{name}.prompts is 'learned', but neither {name!r} nor what it starts from learns words; write"
                " for example `prompts: plain`, or let it start from a method of the kind textual_inversion"
            )

    def resolved(
        self, name: str, methods: "Mapping[str, MethodSettings]", sampling: SamplingSettings, processes: int
    ) -> Self:
        """The settings with what follows from other methods filled in; see `budget` for the arguments."""
        return self

    def evaluations(self, sampling: SamplingSettings, processes: int = 1) -> float:
        """UNet evaluations that all its steps are expected to take, what they are checked and prepared with included.

        An image's forward pass counts as one, its backward pass as two (`craft.models.metering`).

        Args:
            sampling: how images of this method are sampled.
            processes: that share the training.
        """
        return 0.0

    def rewarders(self) -> list[str] | None:
        """Evaluators of the role `reward` that it sees; None for all of them."""
        return None

    def modules(self) -> list[str]:
        """Modules and extension files that the training finds by name, beside that of the kind itself."""
        return []

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """Train the adapter, resuming from the checkpoints where there are some."""
        raise NotImplementedError

    def choose(
        self, foundation: "Foundation", job: "GenerationJob", knowledge: "Knowledge", files: MethodFiles, device: str
    ) -> Iterable[dict]:
        """Make more images than are wanted and choose among them, where the kind `selects`.

        Args:
            foundation: with the adapter of what the method starts from.
            job: how many images are wanted, and how they are sampled.
            knowledge: labels and prompts.
            files: of the dataset.
            device: `cpu` or a GPU.

        Returns:
            Rows of an image table, which may be made as they are asked for.
        """
        raise NotImplementedError


def check_methods(methods: Mapping[str, MethodSettings], sampling: SamplingSettings) -> None:
    """Check that the methods of a run name each other without a circle, and agree with the rest of its settings.

    Raises:
        ValueError: one sentence that names the key below `methods`.
    """
    for name, method in methods.items():
        for key, other in method.needs().items():
            if other not in methods:
                others = [each for each in methods if each != name]
                hint = f"write for example `{key}: {others[0]}`" if others else f"leave `{key}` out"
                raise ValueError(f"methods.{name}.{key} is {other!r}, which is no method; {hint}")
    try:
        TopologicalSorter({name: method.needs().values() for name, method in methods.items()}).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise ValueError(
            f"methods: {circle} is a circle of methods that need each other; let one of them start from the foundation"
        ) from None
    for name, method in methods.items():
        method.check(name, methods, method.sampling or sampling)
        method.resolved(name, methods, sampling, processes=1)


def line_of(name: str, methods: Mapping[str, MethodSettings]) -> list[str]:
    """A method and those that it starts from, itself first."""
    found = [name]
    while parent := methods[found[-1]].start:
        found.append(parent)
    return found


def model_of(name: str | None, methods: Mapping[str, MethodSettings]) -> str | None:
    """The method whose adapter a method's images are made with: its own, or the nearest that it starts from.

    None where that is the foundation.
    """
    return next((each for each in line_of(name, methods) if methods[each].rule), None) if name else None


def budget(name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings, processes: int = 1) -> float:
    """UNet evaluations of a method's training and of all that it starts from.

    Args:
        name: of the method.
        methods: all methods of the run.
        sampling: how images are sampled where a method says nothing else.
        processes: that share a training.
    """
    total = 0.0
    for each in line_of(name, methods):
        method = methods[each].resolved(each, methods, sampling, processes)
        total += method.evaluations(method.sampling or sampling, processes)
    return total
