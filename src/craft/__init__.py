"""Clinical reward-aligned finetuning of medical image diffusion models."""

from importlib import import_module

__all__ = ["score"]


def __getattr__(name: str):
    """Load `craft.score` when it is first asked for, since it is not what most of the library needs."""
    if name == "score":
        # by name, since an import statement would belong to the import closure of every job (craft.core.identity)
        return import_module("craft.evaluation.scoring.score").score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
