"""The kinds of methods by name. A kind's module holds its settings (`METHOD`), which can train an adapter."""

from craft.core.registry import Registry

METHODS = Registry(
    "method kind",
    "METHOD",
    {
        name: f"craft.training.methods.{name}"
        for name in (
            "foundation",
            "supervised",
            "full",
            "textual_inversion",
            "prior_preservation",
            "best_of_n",
            "rejection",
            "reward",
            "rwr",
            "dpo",
            "images",
        )
    },
)
