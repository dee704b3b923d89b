"""`craft docs`: mistakes end in one sentence."""

import pytest

from craft.commands.docs import docs, read_config
from craft.core.errors import CraftError
from craft.documentation.picture import shrink_picture


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(CraftError, match="no settings file"):
        docs(results=tmp_path)


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(CraftError, match="cannot be read as YAML"):
        read_config(tmp_path / "missing.yaml")
    (tmp_path / "broken.yaml").write_text("datasets: [\n")
    with pytest.raises(CraftError, match="cannot be read as YAML"):
        read_config(tmp_path / "broken.yaml")


def test_a_figure_that_is_not_drawn_is_asked_for(tmp_path):
    with pytest.raises(CraftError, match=r"no figure .*: run `snakemake figures` first"):
        shrink_picture(tmp_path / "grid.png", tmp_path / "small.png")
