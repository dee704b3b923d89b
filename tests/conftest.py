"""What tests share: extensions that one module of tests registers are forgotten before the next one begins."""

import pytest

from craft.core import registry
from craft.datasets.readers import READERS
from craft.evaluation.tables import TABLES
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.families import FAMILIES
from craft.models.loaders import LOADERS
from craft.models.towers import TOWERS
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.training.methods import METHODS

REGISTRIES = (READERS, LOADERS, FAMILIES, ENCODER_LOADERS, TOWERS, DIMENSIONS, REWARDS, METHODS, TABLES)


@pytest.fixture(autouse=True, scope="module")
def forget_extensions():
    """Generated files, such as the schema and the reference of keys, list what is registered."""
    yield
    registry._loaded.clear()
    for each in REGISTRIES:
        for name in each._extensions:
            del each._modules[name]
        each._extensions.clear()
