"""Hub models at one commit: looked up before the first job, and kept for all that is run into the same results."""

import json
from collections.abc import Callable
from pathlib import Path

from craft.core.errors import CraftError
from craft.core.reading import read_json
from craft.models.hub import find_commit, is_hub_id
from craft.models.settings import LoadedModel
from craft.pipeline.config import Config

PINS = "models/hub.json"


def pin_models(config: Config, write: Callable[[Path, str], None]) -> Config:
    """The configuration with a commit as the `revision` of every hub model.

    Args:
        config: of the run.
        write: puts a text into a file.

    Raises:
        CraftError: one sentence that names the key of a model that cannot be found.
    """
    file = Path(config.results) / PINS
    known = read_json(file) if file.is_file() else {}
    found = dict(known)

    def pinned(key: str, model: LoadedModel | None) -> LoadedModel | None:
        if model is None or model.source is None or not is_hub_id(model.source):
            return model
        name = f"{model.source}@{model.revision or 'main'}"
        if name not in found:
            try:
                found[name] = find_commit(model.source, model.revision, model.local_files_only)
            except CraftError as error:
                raise CraftError(f"`{key}`: {error}") from error
        return model.model_copy(update={"revision": found[name]})

    judges = {
        section: {name: pinned(f"{section}.{name}", model) for name, model in getattr(config, section).items()}
        for section in ("evaluators", "encoders")
    }
    pinned_config = config.model_copy(update={"foundation": pinned("foundation", config.foundation), **judges})
    if found != known:
        write(file, json.dumps(found, indent=2) + "\n")
    return pinned_config
