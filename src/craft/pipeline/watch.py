"""Raw files as one small file for each dataset and set of given images, which changes when they do.

A table is watched by its content, the images of a folder by their names, sizes and times: to read 200 000 images each
time that the Snakefile is read would take minutes, to list them takes a second or two.
"""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from craft.core.errors import CraftError
from craft.core.files import write_changed
from craft.core.identity import hash_files
from craft.core.reading import read_json
from craft.datasets.files import is_image, list_files
from craft.datasets.readers.base import display_name
from craft.datasets.settings import DatasetSettings
from craft.pipeline.config import Config
from craft.pipeline.jobs import image_sets

Write = Callable[[Path, str], None]
MANIFEST, CACHE = "raw_files.json", "raw_files.cache.json"


def write_manifests(config: Config, write: Write = write_changed) -> dict[str, Path]:
    """Write what the raw files of every dataset are, and those of every set of given images, where it changed.

    Args:
        config: of the run.
        write: writes a text where it is not what the file holds.

    Returns:
        The manifest of all that has raw files, by folder below the results: `DATASET`, or `DATASET/METHOD/seedN`.
    """
    readers: dict[str, DatasetSettings] = dict(config.datasets)
    for name, dataset in config.datasets.items():
        for each in image_sets(config, config.given_methods()):
            method = config.methods[each.method]
            place = f"{name}/{each.method}/seed{each.seed}"
            readers[place] = method.reader(name, dataset, each.seed, config.resolution)
    made = {
        place: write_manifest(reader, Path(config.results) / place / "settings", write)
        for place, reader in readers.items()
    }
    return {place: path for place, path in made.items() if path}


def write_manifest(dataset: DatasetSettings, folder: Path, write: Write = write_changed) -> Path | None:
    """Write `MANIFEST` of what one reader reads into a folder; that of before stays where the raw data are gone."""
    path, files, watched = folder / MANIFEST, dataset.watched_files(), dataset.watched_folder()
    try:
        dataset.require_data()
    except CraftError:
        return path if path.is_file() else None
    if not files and watched is None:
        return None
    content = {
        display_name(file): content_hash for file, content_hash in hash_contents(files, folder / CACHE, write).items()
    }
    if watched is not None:
        content[f"{display_name(watched)}/"] = describe_images(watched)
    write(path, to_json(content))
    return path


def describe_images(folder: Path) -> dict[str, int | str]:
    """How many images a folder holds, and a hash of their names, sizes and times of change."""
    digest, count = sha256(), 0
    for file in filter(is_image, list_files(folder)):
        status = os.stat(f"{folder}/{file}")
        digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        count += 1
    return {"images": count, "digest": digest.hexdigest()}


def hash_contents(files: list[Path], cache: Path, write: Write = write_changed) -> dict[Path, str]:
    """SHA-256 of files; one whose size and time are those of before is not read again."""
    known = read_json(cache, "delete it") if cache.is_file() else {}
    found = {}
    for file in files:
        status = file.stat()
        mark = [status.st_size, status.st_mtime_ns]
        kept = known.get(str(file), [])
        found[str(file)] = kept if kept[:2] == mark else [*mark, hash_files([file])]
    if found:
        write(cache, to_json(found))
    return {file: found[str(file)][2] for file in files}


def to_json(content: dict) -> str:
    """JSON, indented, with sorted keys."""
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
