"""Scripts as jobs start them, run in the process of the tests: Python and torch take seconds to start."""

import logging
import runpy
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from craft.core.files import ROOT


def run_script(name: str, *arguments, folder: Path = ROOT, kept_in: str = "scripts") -> CompletedProcess:
    """Run `scripts/NAME.py` in a folder; its exit code, and what it said."""
    command, said, told = [f"{ROOT}/{kept_in}/{name}.py", *map(str, arguments)], StringIO(), StringIO()
    code, level = 0, logging.getLogger("craft").level
    # a process begins without the handlers of pytest
    with patch.object(sys, "argv", command), patch.object(logging.root, "handlers", []), chdir(folder):
        try:
            with redirect_stdout(said), redirect_stderr(told):
                runpy.run_path(command[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
        finally:
            logging.getLogger("craft").setLevel(level)
    return CompletedProcess(command, code, said.getvalue(), told.getvalue())
