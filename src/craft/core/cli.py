"""How every command line of the project starts and ends."""

import logging
import os
import sys
import warnings
from collections.abc import Callable

import typer

from craft.core.errors import CraftError


def run(main: Callable[..., None]) -> None:
    """Run `main` as a command line of one command; see `run_app`."""
    app = new_app()
    app.command()(main)
    run_app(app)


def new_app(**options) -> typer.Typer:
    """A command line, or a group of commands, that leaves errors to `run_app`."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)


def run_app(app: typer.Typer) -> None:
    """Run a command line; a CraftError ends it with one sentence and exit code 2, without a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("craft").setLevel(logging.INFO)
    quiet_libraries()
    try:
        app()
    except CraftError as error:
        print(f"craft: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def quiet_libraries() -> None:
    """Keep libraries from writing bars and advice into log files, and from asking the network for anything."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    warnings.filterwarnings("ignore", category=FutureWarning)
