"""Where a file comes from: the commit of the code, the versions of libraries, and the machine."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from craft.core.files import ROOT

# what the pages themselves are, which no result depends on
PAGES = (":!README.md", ":!CONTRIBUTING.md", ":!docs")
CPU_INFO = Path("/proc/cpuinfo")
LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "scikit-learn")


def read_commit(root: Path = ROOT) -> str:
    """The commit of a working tree, and whether code has changed since; "unknown" where there is no git."""
    try:
        commit = ask_git(root, "rev-parse", "--short=12", "HEAD")
        changed = ask_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *PAGES)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with uncommitted changes" if changed else commit


def ask_git(root: Path, *words: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout.strip()


def describe_machine() -> str:
    """Processor, cores and GPUs of this machine in one line."""
    import torch

    named = [line.partition(":")[2].strip() for line in read_cpu_info() if line.startswith("model name")]
    processor = named[0] if named else platform.processor() or "processor"
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    kind = platform.machine()
    return f"{processor} ({kind}), {os.cpu_count()} cores, {', '.join(gpus) or 'no GPU'}"


def read_cpu_info() -> list[str]:
    """What Linux says of the processor, line by line; nothing elsewhere."""
    return CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.is_file() else []


def read_versions() -> dict[str, str]:
    """Versions of Python and of the libraries on which numbers depend most, as installed."""
    return {"Python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
