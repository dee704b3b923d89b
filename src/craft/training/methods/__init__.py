"""The kinds of methods by name. A kind's module holds its settings (`METHOD`), which can train an adapter."""

from craft.core.registry import Registry

METHODS = Registry(
    "method kind",
    "METHOD",
    {
        "foundation": "craft.training.methods.foundation",
        "supervised": "craft.training.methods.supervised",
        "reward": "craft.training.methods.reward",
        "images": "craft.training.methods.images",
    },
)
