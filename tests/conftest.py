"""What tests share: extensions that one module of tests registers are forgotten before the next one begins."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def nothing_loaded() -> Iterator[None]:
    """Registries as a process finds them that has just been started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_loaded", {})
        for each in REGISTRIES:
            built_in = {name: module for name, module in each._modules.items() if name not in each._extensions}
            patch.setattr(each, "_modules", built_in)
            patch.setattr(each, "_extensions", {})
        yield


@pytest.fixture(autouse=True, scope="module")
def forget_extensions():
    """Generated files, such as the schema and the reference of keys, list what is registered."""
    yield
    registry._loaded.clear()
    for each in REGISTRIES:
        for name in each._extensions:
            del each._modules[name]
        each._extensions.clear()
