"""The whole configuration of one run."""

from typing import Annotated, Any, Self, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from craft.core.errors import CraftError, check_size
from craft.core.registry import Chosen, load_extensions
from craft.core.settings import CONTROLS, DECODED, REAL, Name, PathText, Positive, Role, Strict
from craft.datasets.readers import READERS
from craft.evaluation.auditing.settings import AuditSettings, SignSettings
from craft.evaluation.downstream.settings import DownstreamSettings
from craft.evaluation.fidelity.settings import FidelitySettings
from craft.evaluation.memorization.settings import MemorizationSettings
from craft.evaluation.reader_study.settings import ReaderStudySettings
from craft.evaluation.settings import FeaturesRef, ScoringSettings
from craft.evaluation.validity.settings import ValiditySettings
from craft.knowledge.settings import KnowledgeSection, KnowledgeSettings
from craft.models.independence import find_dependence
from craft.models.settings import (
    RELEASED_ENCODERS,
    ClassifierSettings,
    EncoderSettings,
    EvaluatorSettings,
    FoundationSettings,
)
from craft.pipeline.ablations import AblationSettings, make_methods
from craft.pipeline.explain import explain_config
from craft.training.methods import METHODS
from craft.training.methods.base import check_methods
from craft.training.settings import GenerationSettings, SamplingSettings

Dataset = Annotated[Any, Chosen(READERS, "reader")]
Method = Annotated[Any, Chosen(METHODS, "kind")]


class ResourceSettings(Strict):
    """Runtime (minutes) and memory (MB) that the rules ask of a cluster."""

    processes: Positive = Field(1, description="processes of a foundation's or adapter's training, each with its GPU")
    train_runtime: Positive = Field(120, description="minutes that a training may take")
    train_mem_mb: Positive = Field(8000, description="memory of a training, MB")
    score_runtime: Positive = Field(60, description="minutes that encoding, sampling, scoring and measuring may take")
    score_mem_mb: Positive = Field(4000, description="memory of encoding, sampling, scoring and measuring, MB")
    sample_together: bool = Field(
        True,
        description="one job samples the images of all methods and seeds of a dataset, so that libraries are imported"
        " once; false gives every method and seed a job of its own, which a cluster runs side by side",
    )
    knowledge_runtime: Positive = Field(30, description="of writing a dataset's knowledge; raise it for a local model")
    knowledge_mem_mb: Positive = Field(1000, description="memory of writing a dataset's knowledge, MB")


class Config(Strict):
    """The whole configuration of one run."""

    results: PathText = Field("results", min_length=1, description="folder of everything that the run makes")
    notice: str = Field(description="one sentence on what plays the part of real images, printed under every figure")
    extensions: list[PathText] = Field(
        [],
        description="Python files of your own that add readers, rewards, methods and more (docs/extending.md)",
    )
    resolution: int = Field(64, ge=32, multiple_of=8, description="side of all images in pixels")
    seeds: list[int] = Field([0], min_length=1, description="every method is trained and sampled once with each")
    knowledge: KnowledgeSection = Field(
        KnowledgeSettings(), description="folder of the knowledge bank, or another source"
    )
    datasets: dict[Name, Dataset] = Field(min_length=1, description="the datasets by name")
    foundation: FoundationSettings | None = Field(
        None, description="the generator that is adapted; null where every method is of the kind `images`"
    )
    evaluators: dict[Name, EvaluatorSettings] = Field(description="the image-text evaluators by name, one role each")
    encoders: dict[Name, EncoderSettings] = Field(
        RELEASED_ENCODERS,
        description="the vision-only encoders by name, one for every role; without the section, the released ones",
    )
    phantom_classifier: ClassifierSettings | None = Field(
        None, description="label classifier of phantoms; null for real images"
    )
    methods: dict[Name, Method] = Field(min_length=1, description="the methods by name, in the order of all tables")
    ablations: AblationSettings | None = Field(
        None, description="what `snakemake ablations` compares with one of the methods; null: nothing"
    )
    sampling: SamplingSettings = Field(SamplingSettings(), description="how images are sampled")
    generation: GenerationSettings = Field(GenerationSettings(), description="how many images are generated")
    scoring: ScoringSettings = Field(ScoringSettings(), description="how images are scored and numbers resampled")
    fidelity: FidelitySettings = Field(FidelitySettings(), description="distances between sets of images")
    downstream: DownstreamSettings = Field(DownstreamSettings(), description="classifiers trained on the images")
    audit: AuditSettings = Field(AuditSettings(), description="who answers the checklists")
    signs: SignSettings = Field(SignSettings(), description="what is true of the images that train evaluators")
    memorization: MemorizationSettings = Field(MemorizationSettings(), description="the search for copies")
    validity: ValiditySettings = Field(ValiditySettings(), description="the study of CAS as a proxy")
    reader_study: ReaderStudySettings | None = Field(
        None, description="pairs of images that `snakemake study` lays before physicians; null: none"
    )
    resources: ResourceSettings = Field(ResourceSettings(), description="what the rules ask of a cluster")

    @field_validator("seeds")
    @classmethod
    def seeds_are_unique(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError(f"the seeds {seeds} repeat one; write each once")
        return seeds

    @model_validator(mode="after")
    def sections_fit(self):
        self._check_roles()
        self._check_names()
        for name, method in self.methods.items():
            if method.sampled and self.foundation is None:
                raise ValueError(
                    f"the key `foundation` is missing, and methods.{name} samples its images from one; add a line"
                    " `foundation: {path: data/models/foundation}` (images of another program have `kind: images`)"
                )
        check_methods(self.methods, self.sampling)
        for name in self.given_methods():
            self.methods[name].check_run(name, self.datasets, self.seeds)
        self.with_ablations()
        return self

    def _check_roles(self) -> None:
        roles = [evaluator.role for evaluator in self.evaluators.values()]
        for role, how_many in (("reward", "at least"), ("monitor", "exactly")):
            if not roles.count(role) or (how_many == "exactly" and roles.count(role) > 1):
                raise ValueError(
                    f"{how_many} one evaluator has the role {role!r}, found {roles.count(role)};"
                    f" write for example `clip_resnet: {{role: {role}, path: data/models/evaluator-clip_resnet}}`"
                )
        if "held_out" not in roles:
            raise ValueError(
                "no evaluator has the role 'held_out', so no gain could be reported;"
                " write for example `lit_efficientnet: {role: held_out, loader: locked,"
                " path: data/models/evaluator-lit_efficientnet}`"
            )
        for role in get_args(Role):
            if (count := [encoder.role for encoder in self.encoders.values()].count(role)) != 1:
                name, released = next(item for item in RELEASED_ENCODERS.items() if item[1].role == role)
                raise ValueError(
                    f"exactly one encoder has the role {role!r}, found {count}; write for example under `encoders`"
                    f" `{name}: {{role: {role}, path: {released.path}, loader: {released.loader}}}`"
                )
        if both := set(self.evaluators) & set(self.encoders):
            raise ValueError(f"an evaluator and an encoder are both called {sorted(both)[0]!r}; rename one of them")
        if dependence := find_dependence(self.evaluators, self.encoders, list(self.datasets)):
            raise ValueError(dependence)

    def _check_names(self) -> None:
        if taken := [name for name in CONTROLS if name in self.methods]:
            raise ValueError(f"a method cannot be called {taken[0]!r}, a name of the real test images; rename it")
        rewarding = [name for name, evaluator in self.evaluators.items() if evaluator.role == "reward"]
        for name, method in self.methods.items():
            if unknown := set(method.rewarders() or []) - set(rewarding):
                raise ValueError(
                    f"methods.{name} names {sorted(unknown)[0]!r}, which is no evaluator of the role 'reward'; write"
                    f" for example `evaluators: [{rewarding[0]}]`"
                )
        if unknown := set(self.downstream.methods) - set(self.methods):
            raise ValueError(
                f"downstream.methods names {sorted(unknown)[0]!r}, which is no method;"
                f" write for example `methods: [{next(iter(self.methods))}]`"
            )
        known, example = self.feature_sources(), self.held_out_features().name
        if unknown := set(self.fidelity.evaluators) - set(known):
            raise ValueError(
                f"fidelity.evaluators names {sorted(unknown)[0]!r}, which is no evaluator and no encoder;"
                f" write for example `evaluators: [{example}]`"
            )
        if (name := self.memorization.features) and name not in known:
            raise ValueError(
                f"memorization.features is {name!r}, which is no evaluator and no encoder;"
                f" write for example `features: {example}`"
            )

    @property
    def ablated(self) -> AblationSettings | None:
        """The ablations, where the run has the method that they vary: a run that drops it needs no other change."""
        return self.ablations if self.ablations and self.ablations.of in self.methods else None

    @property
    def studied(self) -> ReaderStudySettings | None:
        """The reader study, where the run has all methods and datasets that it shows."""
        study = self.reader_study
        shown = study and {*study.methods} <= {REAL, *self.methods} and {*(study.datasets or [])} <= {*self.datasets}
        return study if shown else None

    def with_ablations(self) -> Self:
        """The same run, with the methods that its ablations make among all others.

        Raises:
            ValueError: one sentence that names the key of a variant that cannot be.
        """
        if self.ablated is None:
            return self
        made = make_methods(self.ablated, self.methods)
        raw = dict(self) | {"methods": {**self.methods, **made.methods}, "ablations": None}
        try:
            return type(self).model_validate(raw)
        except ValidationError as error:
            raise ValueError(made.explain(explain_config(error, type(self), raw))) from error

    def given_methods(self) -> list[str]:
        """Names of the methods whose images another program made."""
        return [name for name, method in self.methods.items() if not method.sampled]

    def controls(self) -> list[str]:
        """What methods are held against: real test images, and where there is a foundation the same decoded."""
        return [REAL, DECODED] if self.foundation else [REAL]

    def feature_sources(self) -> dict[str, FeaturesRef]:
        """All whose features of images lie in the feature files, by name: evaluators, then encoders."""
        refs = [FeaturesRef(name=name, role=each.role) for name, each in self.evaluators.items()]
        refs += [FeaturesRef(name=name, role=each.role, unit=False) for name, each in self.encoders.items()]
        return {ref.name: ref for ref in refs}

    def encoder(self, role: Role) -> str:
        """Name of the encoder with the given role."""
        return next(name for name, encoder in self.encoders.items() if encoder.role == role)

    def held_out_features(self) -> FeaturesRef:
        """The held-out encoder."""
        return self.feature_sources()[self.encoder("held_out")]

    def fidelity_features(self) -> list[FeaturesRef]:
        """Whose features fidelity is measured on: those that are named, or all held-out ones."""
        chosen, named = self.feature_sources().values(), self.fidelity.evaluators
        return [ref for ref in chosen if (ref.name in named if named else ref.role == "held_out")]

    def memorization_features(self) -> FeaturesRef:
        """Whose features are searched for copies."""
        name = self.memorization.features
        return self.feature_sources()[name] if name else self.held_out_features()


def validate_config(raw: Any, origin: str = "config.yaml") -> Config:
    """Check a configuration, after the extensions that it names.

    Args:
        raw: what its YAML holds.
        origin: the file, for the message.

    Raises:
        CraftError: one sentence that names the key and, where there is one, shows a correct line.
    """
    try:
        check_size(raw)
    except ValueError as error:
        raise CraftError(f"{origin} is no configuration: {error}") from error
    extensions = raw.get("extensions") if isinstance(raw, dict) else None
    if isinstance(extensions, list) and all(isinstance(path, str) for path in extensions):
        if wrong := [path for path in extensions if not path.endswith(".py")]:
            raise CraftError(f"{origin}: `extensions`: {wrong[0]!r} is no Python file; write for example `- mine.py`")
        try:
            load_extensions(extensions)
        except CraftError as error:
            raise CraftError(f"{origin}: {error}") from error
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise CraftError(f"{origin}: {explain_config(error, Config, raw)}") from error
