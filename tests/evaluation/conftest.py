"""One results folder for all tests of what reads tables."""

import pytest
from fake_results import make_results


@pytest.fixture(scope="session")
def fake_run(tmp_path_factory):
    """A results folder and what its run consists of; tests must not change it."""
    folder = tmp_path_factory.mktemp("results")
    return folder, make_results(folder)
