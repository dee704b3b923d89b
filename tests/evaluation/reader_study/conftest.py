"""One study that several tests look at."""

import pytest
from fake_study import write_study


@pytest.fixture(scope="package")
def study(tmp_path_factory):
    """Folder and key of a study."""
    folder = tmp_path_factory.mktemp("study")
    return folder, write_study(folder)
