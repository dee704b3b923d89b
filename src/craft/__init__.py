"""Clinical reward-aligned finetuning of medical image diffusion models."""

__all__ = ["score"]


def __getattr__(name: str):
    """Load `craft.score` when it is first asked for, since it is not what most of the library needs."""
    if name == "score":
        from craft.evaluation.score_command import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
