"""Release trained models: copy them to the folder from which the default run starts, with their provenance."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.files import atomic_path
from craft.core.reading import read_json

LIMIT_MB = 20


def main(
    models: Annotated[Path, typer.Option(help="folder of trained models")] = Path("results/zoo/models"),
    output: Annotated[Path, typer.Option(help="folder of released models")] = Path("data/models"),
    with_faults: Annotated[bool, typer.Option(help="release a foundation that falls short all the same")] = False,
) -> None:
    """Copy every model folder that carries provenance, quality table and sheets; refuse faults and over 20 MB."""
    folders = sorted(path.parent for path in models.glob("*/provenance.json"))
    if not folders:
        raise CraftError(f"{models} holds no trained model; run `snakemake models --configfile configs/zoo.yaml` first")
    size = sum(file.stat().st_size for folder in folders for file in folder.rglob("*")) / 1e6
    if size > LIMIT_MB:
        raise CraftError(f"the models in {models} take {size:.1f} MB, more than {LIMIT_MB}; make them smaller")
    quality = models / "quality.json"
    if not quality.is_file():
        raise CraftError(f"{quality} is missing; run `snakemake models --configfile configs/zoo.yaml` to the end first")
    faults = [f"{name}: {fault}" for name, found in read_json(quality).items() for fault in found["faults"]]
    if faults and not with_faults:
        raise CraftError(
            f"the foundation falls short of a release in {len(faults)} ways, of which the first is {faults[0]};"
            " train it longer, or add `--with-faults`"
        )
    for folder in folders:
        with atomic_path(output / folder.name) as staged:
            shutil.copytree(folder, staged, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(quality, output / quality.name)
    shutil.copytree(models / "sheets", output / "sheets", dirs_exist_ok=True)
    print(f"released {len(folders)} models, {size:.1f} MB, to {output}")


if __name__ == "__main__":
    run(main)
