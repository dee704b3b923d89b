"""The lease of GPUs: pretended devices, real locks, processes and users."""

import os
import subprocess
import sys
import tempfile

import pytest

from craft.core import device
from craft.core.device import lease_device
from craft.core.errors import CraftError


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """A machine with two GPUs and a temporary folder of its own."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "visible_gpus", lambda: ["0", "1"])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(device, "LOOK", 0.01)
    monkeypatch.setenv("CRAFT_GPU_WAIT", "0.05")


def test_two_jobs_get_two_devices_and_a_third_fails_loudly(two_gpus):
    with lease_device() as first:
        own = os.environ.pop("CUDA_VISIBLE_DEVICES")
        with lease_device() as second:
            other = os.environ.pop("CUDA_VISIBLE_DEVICES")
            assert (first, second, own, other) == ("cuda", "cuda", "0", "1")
            with pytest.raises(CraftError, match="all 2 GPUs of this machine stay taken"), lease_device():
                pass
            os.environ["CUDA_VISIBLE_DEVICES"] = other
        os.environ["CUDA_VISIBLE_DEVICES"] = own
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    with lease_device() as third:
        assert third == "cuda"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_second_user_shares_the_locks_of_the_first(two_gpus, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as shared:
        os.chmod(shared, 0o1777)
        monkeypatch.setattr(tempfile, "tempdir", shared)
        with lease_device():
            child = os.fork()
            if child == 0:
                try:
                    os.setuid(65534)
                    os.environ.pop("CUDA_VISIBLE_DEVICES")
                    with lease_device():
                        os._exit(int(os.environ["CUDA_VISIBLE_DEVICES"]))
                finally:
                    os._exit(9)
            _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1


@pytest.mark.parametrize("value", ["", "-1", "NoDevFiles"])
def test_a_list_without_devices_means_the_cpu(two_gpus, monkeypatch, value):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    with lease_device() as name:
        assert name == "cpu"


@pytest.mark.parametrize("value", ["1", "1,0", "GPU-8932f937-d72c", "MIG-GPU-8932f937/1/0"])
def test_named_devices_are_honoured_as_they_are(two_gpus, monkeypatch, value):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    with lease_device() as name:
        assert (name, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", value)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == value


def test_processes_of_one_job_lease_together(two_gpus, monkeypatch, tmp_path):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    code = (
        "import os, sys, tempfile; from craft.core import device; tempfile.tempdir = sys.argv[1]\n"
        "with device.lease_device() as name: print(name, os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    monkeypatch.setenv("LOCAL_RANK", "0")
    with lease_device() as first:
        assert (first, os.environ.pop("CUDA_VISIBLE_DEVICES")) == ("cuda:0", "0,1")
        monkeypatch.setenv("LOCAL_RANK", "1")
        run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
        assert run.stdout.split() == ["cuda:1", "0,1"], run.stderr
        monkeypatch.delenv("LOCAL_RANK")
        with pytest.raises(CraftError, match="stay taken"), lease_device():
            pass
        os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"


def test_a_wait_that_is_no_number_gets_a_sentence(two_gpus, monkeypatch):
    monkeypatch.setenv("CRAFT_GPU_WAIT", "soon")
    with pytest.raises(CraftError, match="no number of seconds"), lease_device():
        pass
