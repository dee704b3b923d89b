"""What a lack of memory is told as: one sentence that names the setting that helps in that very job."""

from collections.abc import Iterator
from contextlib import contextmanager

from craft.core.errors import CraftError
from craft.core.reading import brief


@contextmanager
def explain_memory(what: str, mend: str) -> Iterator[None]:
    """Within the block, a lack of memory of the machine or of a GPU becomes one sentence.

    Args:
        what: runs out of it.
        mend: what to do about it.

    Raises:
        CraftError: if memory runs out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch raises a RuntimeError, of which the one for a GPU is a subclass
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise CraftError(f"{what} ran out of memory: {mend} ({brief(error)})") from error
