"""A lack of memory is a sentence with the setting that helps; other faults stay what they are."""

import pytest

from craft.core.errors import CraftError
from craft.core.memory import explain_memory

SHORT = [
    MemoryError(),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
]


@pytest.mark.parametrize("error", SHORT, ids=["machine", "gpu", "torch on a cpu"])
def test_the_sentence_names_the_job_and_the_setting(error):
    with (
        pytest.raises(CraftError, match=r"the scoring ran out of memory: lower `scoring.batch` \(now 64\)"),
        explain_memory("the scoring", "lower `scoring.batch` (now 64)"),
    ):
        raise error


def test_other_faults_are_not_taken_for_it():
    with pytest.raises(RuntimeError, match="shapes"), explain_memory("the scoring", "lower it"):
        raise RuntimeError("shapes do not fit")
