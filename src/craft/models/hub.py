"""Where models come from: a folder, or a repository of the Hugging Face hub at one commit."""

import re
from pathlib import Path

from craft.core.errors import CraftError
from craft.core.reading import brief

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# the file that tells a model of open_clip from one of transformers
OPEN_CLIP = "open_clip_config.json"
# seconds that the hub is given to answer
PATIENCE = 15


def is_hub_id(path: str) -> bool:
    """Whether a path can name a model of the hub: `owner/name`, and neither it nor a folder `owner` is here."""
    return bool(HUB_ID.fullmatch(path)) and not Path(path).exists() and not Path(path.split("/")[0]).is_dir()


def check_source(path: str) -> None:
    """Refuse a path that is neither here nor the id of a hub model.

    Raises:
        CraftError: one sentence that names it.
    """
    if not Path(path).exists() and not is_hub_id(path):
        raise CraftError(f"there is no model folder {path}; correct the path, or name a hub model as `owner/name`")


def find_commit(path: str, revision: str | None = None, local_files_only: bool = False) -> str:
    """The commit of a hub model at a revision: what the hub says, or the local copy where it cannot be asked.

    Args:
        path: hub id.
        revision: branch, tag or commit; None is the main branch.
        local_files_only: do not ask the hub.

    Raises:
        CraftError: if the hub has no such model or revision, or cannot be asked and there is no local copy.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    at, why = f" at the revision {revision!r}" if revision else "", "`local_files_only` forbids to ask the hub"
    if not local_files_only:
        try:
            return HfApi().model_info(path, revision=revision, timeout=PATIENCE).sha
        except HfHubHTTPError as error:
            if error.response.status_code < 500:
                raise CraftError(
                    f"there is no folder {path}, and no hub model {path!r}{at} that may be read; correct the path or"
                    " the revision, or log in with `hf auth login` where the model is gated"
                ) from error
            why = "the hub answers with an error"
        except Exception:  # of whatever library the hub's client is built on, which differs between its versions
            why = "the hub cannot be reached"
    if folder := find_snapshot(path, revision):
        return folder.name
    raise CraftError(
        f"there is no folder {path}, no local copy of a hub model {path!r}{at}, and {why}; correct the path, or run"
        f" `hf download {path}` where there is a network"
    )


def fetch_folder(path: str, files: list[str], revision: str | None = None, local_files_only: bool = False) -> Path:
    """A model folder, or the local copy of a hub model with some of its files, downloaded where they are not there yet.

    Args:
        path: folder or hub id.
        files: patterns of the files that are needed of a hub model.
        revision: branch, tag or commit of a hub model.
        local_files_only: do not ask the hub.

    Raises:
        CraftError: if there is neither.
    """
    from huggingface_hub import snapshot_download

    check_source(path)
    if Path(path).is_dir():
        return Path(path)
    try:
        return Path(snapshot_download(path, revision=revision, local_files_only=local_files_only, allow_patterns=files))
    except Exception as error:  # as in `find_commit`
        raise CraftError(f"the hub model {path!r} cannot be fetched: {brief(error)}") from error


def find_snapshot(path: str, revision: str | None = None) -> Path | None:
    """The folder of a hub model in the local cache; None where it is not there. Asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(path, revision=revision, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None
