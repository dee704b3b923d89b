"""One drawn run for all tests of the gallery, and its page."""

import pytest
from fake_gallery import make_gallery_run

from craft.evaluation.gallery.write import write_gallery


@pytest.fixture(scope="session")
def gallery_run(tmp_path_factory):
    """The run; tests must not change it."""
    return make_gallery_run(tmp_path_factory.mktemp("gallery_run"))


@pytest.fixture(scope="session")
def gallery(gallery_run, tmp_path_factory):
    """The folder of the page."""
    folder = tmp_path_factory.mktemp("page") / "gallery"
    write_gallery(gallery_run, folder)
    return folder
