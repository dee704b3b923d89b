"""A method's generator as one pipeline folder that plain diffusers loads."""

from pathlib import Path

import torch

from craft.core.errors import CraftError
from craft.core.files import atomic_path, write_text
from craft.core.images import read_texts
from craft.export.cards import terms_of, write_out
from craft.export.choice import Exported
from craft.models.foundation import Foundation
from craft.models.provenance import write_record
from craft.models.schedules import SAMPLERS


def export_generator(exported: Exported, folder: Path) -> None:
    """Write foundation and adapter as one pipeline with a model card, after plain diffusers has sampled from it.

    Args:
        exported: whose generator.
        folder: to write.

    Raises:
        CraftError: if the folder is there already, the run lacks what is needed, or the pipeline samples no image.
    """
    job, scores, origins = exported.job(), exported.scores(), exported.origins()
    if job.selection:
        raise CraftError(
            f"{exported.method!r} chooses among the images of {job.selection.start!r}: export the generator of that"
        )
    texts = read_texts(exported.path("images.parquet"))
    foundation = Foundation.load(job.foundation.path, job.adapter, resolution=job.resolution, **job.foundation.hub)
    start, size = exported.start(), job.resolution
    prompts = texts.groupby("label", sort=False)["caption"].first().to_dict()
    card = write_out(
        "model_card.md.j2",
        **{"dataset": exported.dataset, "method": exported.method, "seed": exported.seed, "size": size},
        labels=exported.results.run.datasets[exported.dataset],
        prompts=prompts,
        sampling=job.sampling,
        sampler=SAMPLERS[job.sampling.scheduler],
        scores=scores.to_dict("records"),
        images=origins,
        **terms_of(origins, start),
    )
    with atomic_path(folder) as staged:
        merge_adapter(foundation)
        foundation.save(staged)
        sample_plainly(staged, next(iter(prompts.values())), size)
        write_text(staged / "README.md", card)
        record = {"name": exported.name, "images": origins, "start": start, "trainings": exported.trainings()}
        write_record(staged, record | {"metrics": {}, "scores": scores.to_dict("records")})


def merge_adapter(foundation: Foundation) -> None:
    """Make the LoRA weights of UNet and text encoder part of their own."""
    pipeline = foundation.pipeline
    if pipeline.get_active_adapters():
        pipeline.fuse_lora(components=[name for name in ("unet", "text_encoder") if has_lora(getattr(pipeline, name))])
        pipeline.unload_lora_weights()


def has_lora(module) -> bool:
    """Whether a module carries LoRA weights."""
    return bool(getattr(module, "peft_config", None))


@torch.inference_mode()
def sample_plainly(folder: Path, prompt: str, size: int) -> None:
    """Load a pipeline folder as anybody would and sample an image in two steps; a CraftError if that fails."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    (image,) = pipeline(prompt, num_inference_steps=2, height=size, width=size, output_type="pt").images
    if not image.isfinite().all():
        raise CraftError("the exported pipeline gives no finite image; nothing was written")
