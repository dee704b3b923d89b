"""The registry finds every modality by its name."""

import pytest

from craft.core.errors import CraftError
from craft.datasets.phantoms.registry import MODALITIES, find_modality


@pytest.mark.parametrize("name", MODALITIES)
def test_a_modality_is_found_by_its_name(name):
    assert find_modality(name).name == name


def test_an_unknown_modality_is_refused_and_the_known_ones_named():
    with pytest.raises(CraftError, match="no phantoms of modality 'teeth'; write one of chest_xray, dermoscopy"):
        find_modality("teeth")
