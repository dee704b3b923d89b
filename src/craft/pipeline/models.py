"""Which model a job reads, and what reads it: references to foundation, evaluators and encoders of a configuration."""

from typing import Any

from craft.core.settings import Role
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.independence import tower_of
from craft.models.loaders import LOADERS
from craft.models.settings import EncoderRef, EvaluatorRef, EvaluatorSettings, ModelRef
from craft.pipeline.config import Config


def model_path(config: Config, name: str) -> str:
    """Where `foundation`, `phantom_classifier`, `evaluator-<name>` or `encoder-<name>` is, loaded or trained."""
    return models_of(config)[name].path or f"{config.results}/models/{name}"


def models_of(config: Config) -> dict[str, Any]:
    """The sections of all models of a configuration by the names of their folders."""
    models = {"foundation": config.foundation, "phantom_classifier": config.phantom_classifier}
    models |= {f"evaluator-{key}": evaluator for key, evaluator in config.evaluators.items()}
    return models | {f"encoder-{key}": encoder for key, encoder in config.encoders.items()}


def place_of(config: Config, name: str) -> dict[str, Any]:
    """Path of a model, and which version of a hub model it is, as references to it hold them."""
    model = models_of(config)[name]
    return {"path": model_path(config, name)} | (model.hub if model.path else {})


def evaluator_refs(config: Config, *roles: Role) -> list[EvaluatorRef]:
    """References to the evaluators of the given roles (all without a role), in the order of the configuration."""
    return [
        EvaluatorRef(
            name=name,
            role=evaluator.role,
            loader=evaluator.loader,
            encoder=encoder_ref(config, evaluator.role),
            **place_of(config, f"evaluator-{name}"),
        )
        for name, evaluator in config.evaluators.items()
        if not roles or evaluator.role in roles
    ]


def encoder_ref(config: Config, role: Role) -> EncoderRef:
    """Reference to the vision encoder of a role."""
    name = config.encoder(role)
    return EncoderRef(name=name, role=role, loader=config.encoders[name].loader, **place_of(config, f"encoder-{name}"))


def foundation_ref(config: Config) -> ModelRef:
    """Reference to the foundation."""
    return ModelRef(**place_of(config, "foundation"))


def loaders_of(config: Config, refs: list[EvaluatorRef]) -> list[str]:
    """Modules of what reads these evaluators, their encoders and their towers, each once."""
    found = []
    for ref in refs:
        found += [*LOADERS.modules(ref.loader), *ENCODER_LOADERS.modules(ref.encoder.loader)]
        found += tower_modules(config.evaluators[ref.name])
    return list(dict.fromkeys(found))


def tower_modules(evaluator: EvaluatorSettings) -> list[str]:
    """The module of what reads an evaluator's image tower, where that is a frozen encoder."""
    tower = tower_of(evaluator)
    return ENCODER_LOADERS.modules(tower[0]) if tower else []


def loader_extensions() -> list[str]:
    """Files of the loaders that extensions added, for jobs that read the names of loaders alone."""
    return [*LOADERS.extension_files(), *ENCODER_LOADERS.extension_files()]
