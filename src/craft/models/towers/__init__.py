"""The vision towers that a run can train from scratch, by name; each module holds a `TOWER`: width -> configuration.

All are convolutional: at 64 px a finding can be two pixels wide, and from a few thousand images vision transformers of
the same cost learn far less of such findings. A tower of width w pools 2 w features; it reads images scaled to [-1, 1].
"""

from craft.core.registry import Registry

TOWERS = Registry(
    "vision tower",
    "TOWER",
    {
        "resnet": "craft.models.towers.resnet",
        "bit": "craft.models.towers.bit",
        "regnet": "craft.models.towers.regnet",
    },
)
