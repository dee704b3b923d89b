"""The device lease: one process, one GPU, without asking the scheduler twice.

Snakemake never sets CUDA_VISIBLE_DEVICES, so jobs that run side by side on one node would all take device 0. An
inherited value is honoured; otherwise a device is leased with a file lock that lives as long as the process and that
all users of the machine share. It must happen before torch is imported.
"""

import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from craft.core.errors import CraftError

log = logging.getLogger(__name__)

# seconds that a process waits for a GPU, and between two looks; the first can be set
WAIT, LOOK = "CRAFT_GPU_WAIT", 2.0
DEFAULT_WAIT = 600
# values of CUDA_VISIBLE_DEVICES that name no device; the last is what SLURM writes for a job without one
NO_DEVICES = {"", "-1", "none", "void", "nodevfiles"}


def visible_gpus() -> list[str]:
    """Numbers of the NVIDIA devices of this node, found without importing torch."""
    files = [file for file in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", file.name)]
    folder = Path("/proc/driver/nvidia/gpus")
    known = list(folder.iterdir()) if folder.is_dir() else []
    # WSL2 has neither, but one file for all devices
    count = len(files) or len(known) or int(Path("/dev/dxg").exists())
    return [str(index) for index in range(count)]


@contextmanager
def lease_device() -> Iterator[str]:
    """Yield 'cuda' while holding a free GPU of this node, or 'cpu' where there is none.

    Processes that `torchrun` started together lease together. On CPUs they share the threads that one process would
    have had.

    Raises:
        CraftError: if all GPUs stay taken for as long as `$CRAFT_GPU_WAIT` says, 600 seconds by default.
    """
    rank, processes = os.environ.get("LOCAL_RANK"), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    with ExitStack() as stack:
        inherited = os.environ.get("CUDA_VISIBLE_DEVICES")
        if inherited is not None:
            found = inherited_devices(inherited)
        elif rank is not None:
            found = stack.enter_context(lease_together(int(rank), processes))
        else:
            found = stack.enter_context(lease_gpus(1))
        if not found:
            log.info("computes on the CPU")
            if rank is not None:
                share_threads(processes)
            yield "cpu"
            return
        device = "cuda" if rank is None else f"cuda:{rank}"
        log.info("computes on %s of the GPUs %s", device, ",".join(found))
        before = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(found)
        try:
            yield device
        finally:
            if before is None:
                del os.environ["CUDA_VISIBLE_DEVICES"]


def inherited_devices(value: str) -> list[str]:
    """The devices that CUDA_VISIBLE_DEVICES names: numbers, or names of GPUs and of their MIG parts."""
    if value.strip().lower() in NO_DEVICES:
        return []
    if not visible_gpus():
        import torch

        # a scheduler may count what CUDA does not know
        if not torch.cuda.is_available():
            log.warning("CUDA_VISIBLE_DEVICES is %r, but torch finds no GPU", value)
            return []
    return [device.strip() for device in value.split(",")]


@contextmanager
def lease_gpus(count: int) -> Iterator[list[str]]:
    """Hold so many free GPUs of this node, all or none of them at a time; yields none where the node has no GPU.

    Raises:
        CraftError: if too few became free in time, or the node has fewer.
    """
    known, until, told = visible_gpus(), time.monotonic() + patience(), False
    if known and len(known) < count:
        raise CraftError(
            f"{count} processes want a GPU each, and this machine has {len(known)}; lower `resources.processes`"
        )
    while known:
        with ExitStack() as stack:
            held = []
            for gpu in known:
                if len(held) < count and (lock := lock_gpu(gpu)) is not None:
                    stack.callback(os.close, lock)
                    held.append(gpu)
            if len(held) == count:
                yield held
                return
        if time.monotonic() > until:
            raise CraftError(
                f"all {len(known)} GPUs of this machine stay taken by other jobs; wait longer with"
                f" `{WAIT}=<seconds>`, or name devices to share with `CUDA_VISIBLE_DEVICES` (empty: the CPU)"
            )
        if not told:
            log.info("waits for a free GPU, for at most %d seconds (%s)", patience(), WAIT)
            told = True
        time.sleep(LOOK)
    yield []


def lock_gpu(gpu: str) -> int | None:
    """The open lock of a GPU; None where another process holds it."""
    name = Path(tempfile.gettempdir()) / f"craft-gpu-{gpu}.lock"
    with suppress(FileExistsError):
        # for every user of the machine to open, whatever the umask of the one who came first
        lock = os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        os.fchmod(lock, 0o666)
        os.close(lock)
    try:
        # not for writing: in a shared folder the system refuses that for another user's file
        lock = os.open(name, os.O_RDONLY)
    except PermissionError:
        # of a user whose files nobody else may read
        lock = os.open(name.with_suffix(f".{os.getuid()}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextmanager
def lease_together(rank: int, processes: int) -> Iterator[list[str]]:
    """The GPUs of all processes of one `torchrun` job on this node, which the first of them leases.

    Raises:
        CraftError: if they did not become free in time.
    """
    names = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT")
    job = "-".join(re.sub(r"\W", "_", os.environ.get(name, "")) for name in names)
    told = Path(tempfile.gettempdir()) / f"craft-job-{os.getuid()}-{job}.txt"
    if rank == 0:
        with lease_gpus(processes) as held:
            staged = told.with_suffix(".new")
            staged.write_text(",".join(held), encoding="utf-8")
            staged.replace(told)
            try:
                yield held
            finally:
                told.unlink(missing_ok=True)
        return
    until = time.monotonic() + patience() + 60
    while not told.is_file():
        if time.monotonic() > until:
            raise CraftError("the first process of this job leased no GPUs; see its log")
        time.sleep(LOOK / 10)
    yield [gpu for gpu in told.read_text(encoding="utf-8").split(",") if gpu]


def patience() -> float:
    """Seconds that a process waits for a GPU.

    Raises:
        CraftError: if `$CRAFT_GPU_WAIT` is no number.
    """
    value = os.environ.get(WAIT, str(DEFAULT_WAIT))
    try:
        return float(value)
    except ValueError as error:
        raise CraftError(f"{WAIT} is {value!r}, no number of seconds; write for example `{WAIT}=3600`") from error


def share_threads(processes: int) -> None:
    """Leave each of several processes its share of this one's threads."""
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
