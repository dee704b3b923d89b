"""The whole configuration of one run, and the sentences that a wrong one gets."""

from typing import Any

from pydantic import Field, ValidationError, model_validator

from craft.core.config.base import REAL, Name, Positive, Role, Strict
from craft.core.config.datasets import Dataset
from craft.core.config.evaluation import Audit, Downstream, Fidelity, Generation, Memorization, Scoring, Validity
from craft.core.config.independence import find_shared_model
from craft.core.config.knowledge import Knowledge, KnowledgeSource
from craft.core.config.methods import Method, Reward, Sampling, Supervised
from craft.core.config.models import EvaluatorModel, FoundationModel, TruthModel
from craft.core.errors import CraftError


class Resources(Strict):
    """Runtime (minutes) and memory (MB) that the rules ask of a cluster."""

    processes: Positive = Field(1, description="processes of one adapter's training, each with a GPU of its own")
    train_runtime: Positive = 120
    train_mem_mb: Positive = 8000
    score_runtime: Positive = 60
    score_mem_mb: Positive = 4000
    knowledge_runtime: Positive = Field(30, description="of writing a dataset's knowledge; raise it for a local model")
    knowledge_mem_mb: Positive = 1000


class Config(Strict):
    """The whole configuration of one run."""

    results: str = "results"
    notice: str = Field(description="one sentence on what plays the part of real images, printed under every figure")
    resolution: int = Field(64, ge=32, multiple_of=8)
    seeds: list[int] = Field([0], min_length=1)
    knowledge: Knowledge = Field(KnowledgeSource(), description="folder of the knowledge bank, or another source")
    datasets: dict[Name, Dataset] = Field(min_length=1)
    foundation: FoundationModel
    evaluators: dict[Name, EvaluatorModel]
    truth: TruthModel | None = Field(None, description="label classifier of phantoms; null for real images")
    methods: dict[Name, Method] = Field(min_length=1)
    sampling: Sampling = Sampling()
    generation: Generation = Generation()
    scoring: Scoring = Scoring()
    fidelity: Fidelity = Fidelity()
    downstream: Downstream = Downstream()
    audit: Audit = Audit()
    memorization: Memorization = Memorization()
    validity: Validity = Validity()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def roles_and_methods_fit(self):
        roles = [evaluator.role for evaluator in self.evaluators.values()]
        for role in ("reward", "monitor"):
            if roles.count(role) != 1:
                raise ValueError(
                    f"exactly one evaluator has the role {role!r}, found {roles.count(role)};"
                    f" write for example `clip_resnet: {{role: {role}, path: data/models/evaluator-clip_resnet}}`"
                )
        if "held_out" not in roles:
            raise ValueError(
                "no evaluator has the role 'held_out', so no gain could be reported;"
                " write for example `siglip_regnet: {role: held_out, path: data/models/evaluator-siglip_regnet}`"
            )
        if shared := find_shared_model(self.evaluators):
            raise ValueError(shared)
        if REAL in self.methods:
            raise ValueError("a method cannot be called 'real', the name of the real test images; rename it")
        tried = self.downstream.methods or list(self.methods)
        for key, allowed in (("methods", self.methods), ("low_data_methods", tried)):
            if unknown := set(getattr(self.downstream, key)) - set(allowed):
                raise ValueError(
                    f"downstream.{key} names {sorted(unknown)[0]!r}, which is no method"
                    f"{' that is tried' if allowed is tried else ''};"
                    f" write for example `{key}: [{next(iter(allowed))}]`"
                )
        if unknown := set(self.fidelity.evaluators) - set(self.evaluators):
            raise ValueError(
                f"fidelity.evaluators names {sorted(unknown)[0]!r}, which is no evaluator;"
                f" write for example `evaluators: [{self.evaluator('held_out')}]`"
            )
        for name, method in self.methods.items():
            start = self.methods.get(method.start) if isinstance(method, Reward) else None
            if isinstance(method, Reward) and not isinstance(start, Supervised):
                supervised = [key for key, other in self.methods.items() if isinstance(other, Supervised)]
                raise ValueError(
                    f"methods.{name}.start is {method.start!r}, which is not a supervised method;"
                    f" write for example `start: {supervised[0] if supervised else 'lora_enriched'}`"
                )
            if isinstance(method, Reward) and method.backprop.steps > self.sampling.steps:
                raise ValueError(
                    f"methods.{name}.backprop.steps is {method.backprop.steps}, more than the"
                    f" {self.sampling.steps} sampling steps; write for example `backprop: {{steps: 1}}`"
                )
        return self

    def fidelity_evaluators(self) -> list[str]:
        """Names of the evaluators whose features fidelity is measured on."""
        held_out = [name for name, evaluator in self.evaluators.items() if evaluator.role == "held_out"]
        return self.fidelity.evaluators or held_out

    def evaluator(self, role: Role) -> str:
        """Name of the first evaluator with the given role."""
        return next(name for name, evaluator in self.evaluators.items() if evaluator.role == role)


def validate_config(raw: dict[str, Any], source: str = "config.yaml") -> Config:
    """Check a configuration.

    Raises:
        CraftError: one sentence that names the key and, where there is one, shows a correct line.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise CraftError(f"{source}: {explain_config(error)}") from error


def explain_config(error: ValidationError) -> str:
    """One sentence about the first finding, with the allowed keys or an example line."""
    first = error.errors()[0]
    # pydantic puts the tag of a discriminated union into the location; it is no key of the file
    tags = {"phantom", "image_folder", "medmnist", "supervised", "reward", "foundation"}
    parts = [str(part) for part in first["loc"]]
    key = ".".join(
        part for i, part in enumerate(parts) if i == 0 or part not in tags or (i == len(parts) - 1 and i < 2)
    )
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"unknown key `{key}`; remove it or correct its spelling (configs/schema.json lists all keys)"
    if first["type"] == "missing":
        return f"the key `{key}` is missing; add a line `{parts[-1]}: ...` (configs/schema.json says which values fit)"
    if first["type"] == "value_error":
        return f"`{key}`: {message}" if key else message
    return f"`{key}`: {message}, found {first['input']!r}; {example_line(first, parts)}"


def example_line(finding: dict[str, Any], parts: list[str]) -> str:
    """A correct line for a finding of pydantic, as far as the expected type tells one."""
    context = finding.get("ctx", {})
    examples = {
        "int": "1",
        "float": "0.5",
        "bool": "true",
        "list": "[a, b]",
        "string": "text",
        "dict": "{key: value}",
    }
    if "expected" in context:
        example = context["expected"].split(" or ")[0].split(",")[0].strip("'")
    elif "expected_tags" in context:
        return f"write for example `{context.get('discriminator', 'kind').strip(chr(39))}: " + (
            context["expected_tags"].split(",")[0].strip("'") + "`"
        )
    elif bound := next((context[name] for name in ("ge", "le", "multiple_of") if name in context), None):
        example = str(bound)
    else:
        example = next((text for kind, text in examples.items() if finding["type"].startswith(kind)), "...")
    return f"write for example `{parts[-1]}: {example}`"
