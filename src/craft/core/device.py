"""The device lease: one process, one GPU, without asking the scheduler twice.

Snakemake never sets CUDA_VISIBLE_DEVICES, so jobs that run side by side on one node would all take device 0. An
inherited value is honoured; otherwise a device is leased with a non-blocking file lock that lives as long as the
process. It must happen before torch is imported.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def visible_gpus() -> list[str]:
    """Numbers of the NVIDIA devices of this node, found without importing torch."""
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(index) for index, _ in enumerate(sorted(folder.iterdir()))] if folder.is_dir() else []


@contextmanager
def lease_device() -> Iterator[str]:
    """Yield 'cuda' while holding a free GPU of this node, or 'cpu' where there is none.

    Processes that `torchrun` started together take the devices in order; such a job wants its devices to itself. On
    CPUs they share the threads that one process would have had.
    """
    if "LOCAL_RANK" in os.environ:
        if visible_gpus():
            yield f"cuda:{os.environ['LOCAL_RANK']}"
        else:
            share_threads(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
            yield "cpu"
        return
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        yield "cuda" if os.environ["CUDA_VISIBLE_DEVICES"] not in ("", "-1") and visible_gpus() else "cpu"
        return
    import fcntl

    for gpu in visible_gpus():
        with open(Path(tempfile.gettempdir()) / f"craft-gpu-{gpu}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
            try:
                yield "cuda"
            finally:
                del os.environ["CUDA_VISIBLE_DEVICES"]
            return
    yield "cpu"


def share_threads(processes: int) -> None:
    """Leave each of several processes its share of this one's threads."""
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
