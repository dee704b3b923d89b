"""`craft export`: a generator, or its images, as a folder for others."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.errors import CraftError


def command(
    method: Annotated[str, typer.Argument(help="method of the run, for example craft")],
    output: Annotated[Path, typer.Option(help="folder to write; it must not be there yet")],
    run: Annotated[Path, typer.Option(help="results folder of a finished run")] = Path("results"),
    dataset: Annotated[str | None, typer.Option(help="dataset of the run; needed where there are several")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the run; needed where there are several")] = None,
    images: Annotated[bool, typer.Option("--images", help="export the images instead of the generator")] = False,
    min_cas: Annotated[
        float | None, typer.Option(min=0, max=1, help="with --images: leave out those with a lower CAS")
    ] = None,
    evaluator: Annotated[
        str | None, typer.Option(help="with --images: whose scores; by default the first held-out one's")
    ] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="with --images: one image table instead of a file per image")
    ] = False,
) -> None:
    """Export a method's generator as a folder of diffusers, or its images with their scores.

    Example, the generator and then its images:
      craft export craft --dataset fundus --output fundus-craft
      craft export craft --dataset fundus --images --output fundus-images
    """
    asked = {"--min-cas": min_cas is not None, "--evaluator": evaluator is not None, "--parquet": parquet}
    if not images and (idle := [name for name, given in asked.items() if given]):
        raise CraftError(f"`{idle[0]}` chooses among images; add `--images`, or leave it out")
    if output.exists():
        raise CraftError(f"{output} is there already; remove it, or name another folder with `--output`")
    from craft.export.choice import Exported

    exported = Exported.find(run, method, dataset, seed)
    if images:
        from craft.export.images import export_images

        count = export_images(exported, output, "parquet" if parquet else "folder", min_cas, evaluator)
        print(f"{count} images of {exported.name}: {output}")
    else:
        from craft.export.generator import export_generator

        export_generator(exported, output)
        print(f"the generator of {exported.name}, which plain diffusers has loaded and sampled from: {output}")
