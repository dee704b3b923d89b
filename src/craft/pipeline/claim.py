"""One run at a time writes below a results folder: a second one leaves the first alone, a killed one stops nobody.

Snakemake's own lock comes too late, after the Snakefile has written settings, and outlives a killed run. The lock here
is dropped by the system together with the process that holds it, so that whoever gets it knows that no other run lives.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from craft.core.errors import CraftError
from craft.core.files import write_changed

LOCK = ".run.lock"
# of Snakemake, below the working directory
LOCKS = Path(".snakemake/locks")


class Claim:
    """What a process may write below a results folder.

    Attributes:
        results: the folder.
        held: whether this process alone may write there.
        job: whether it is a job of a run, which finds all that it needs written.
    """

    def __init__(self, results: Path, held: IO | None, job: bool):
        self.results, self.job = results, job
        # the lock lasts as long as this file is open
        self.held = held

    def write(self, path: Path, text: str) -> None:
        """Write text where it is not what the file holds.

        Raises:
            CraftError: if another run works below the results folder, whose files this would change.
        """
        if self.job:
            return
        if self.held:
            write_changed(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            raise CraftError(
                f"another run works in {self.results}, and this one would change its {path}; wait until it has ended,"
                " or name another `results` folder"
            )


def claim_run(results: Path, job: bool = False) -> Claim:
    """Claim a results folder for this process, as far as no other one has, and clear away what a killed run left.

    Args:
        results: the folder; it is made.
        job: whether this process is a job of a run, which claims nothing.

    Raises:
        CraftError: if the folder cannot be written to.
    """
    if job:
        return Claim(results, None, job)
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = (results / LOCK).open("a")
    except OSError as error:
        raise CraftError(
            f"nothing can be written to {results}: {error.strerror}; correct `results`, or the folder's rights"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return Claim(results, None, job)
    except OSError:
        # a file system without locks: Snakemake's own lock is left to guard the run
        return Claim(results, lock, job)
    clear_locks(results)
    return Claim(results, lock, job)


def require_own_folder(folder: Path) -> None:
    """Refuse another working directory than the folder of the Snakefile, where code and data are looked for.

    Raises:
        CraftError: if `--directory` named another.
    """
    if Path.cwd().resolve() != folder.resolve():
        raise CraftError(
            f"Snakemake was told to work in {Path.cwd()}, but code and data lie in {folder}; leave out `--directory`,"
            " and name another place for what it makes with `results`"
        )


def clear_locks(results: Path, locks: Path = LOCKS) -> None:
    """Remove Snakemake's locks of files below a results folder, which a killed run left."""
    below = os.path.abspath(results) + os.sep
    for lock in locks.glob("*.lock"):
        if any(os.path.abspath(line).startswith(below) for line in lock.read_text(encoding="utf-8").splitlines()):
            lock.unlink(missing_ok=True)
