"""A drawn run for tests of the gallery: one dataset that may be shown, one that may not, and hostile texts in both."""

from pathlib import Path

from fake_results import make_results

from craft.core.files import write_text
from craft.core.images import read_images, write_images
from craft.evaluation.gallery.results import knowledge_of
from craft.evaluation.gallery.settings import GalleryJob
from craft.evaluation.results import Results
from craft.knowledge.schema import ChecklistItem, Knowledge, LabelKnowledge

LABELS = {"chest": ["normal", "effusion"], "skin": ["naevus", "melanoma"]}
METHODS = ["lora", "craft", "gan"]
PER_LABEL = 20
# what begins markup, ends the script or names a person
HOSTILE = "</script><script>document.title = 'broken'</script><img src=x onerror=alert(1)>"
PRIVATE = ("patient-4711", "raw/doe_jane.dcm", "a report about Jane Doe")


def write_knowledge(path: Path, labels: list[str]) -> None:
    """Knowledge whose last label has a hostile name."""
    item = ChecklistItem(present="the sign is present", absent="the sign is absent", weight=1, facet="f", source="s")
    known = {
        label: LabelKnowledge(
            name=f"{label} {HOSTILE}" if label == labels[-1] else label,
            definition="a definition of it",
            prompt="a prompt of the label",
            descriptions=["the first description", "the second description", "the third description"],
            checklist=[item] * 3,
        )
        for label in labels
    }
    write_text(path, Knowledge(modality="any", coarse_prompts=["any image at all"], labels=known).to_yaml())


def rewrite(path: Path, **texts: str) -> None:
    """Give all rows of an image table further texts."""
    write_images(path, read_images(path).assign(**texts).to_dict("records"))


def make_gallery_run(folder: Path) -> Results:
    """A run below a folder whose datasets name patients and raw files; only the images of `chest` may be shown."""
    run = make_results(folder, LABELS, METHODS, seeds=(0,), per_label=PER_LABEL, given=("gan",))
    modalities = {"chest": "chest_xray", "skin": "dermoscopy"}
    results = Results(folder, GalleryJob(**dict(run), notice="Drawn discs.", modalities=modalities, shown=["chest"]))
    patient, file, report = PRIVATE
    for dataset, labels in LABELS.items():
        write_knowledge(knowledge_of(results, dataset), labels)
        rewrite(folder / dataset / "images.parquet", patient_id=patient, origin=file, caption=report)
        rewrite(folder / dataset / "decoded/seed0/images.parquet", patient_id=patient, origin=file, caption=report)
        rewrite(folder / dataset / "gan/seed0/images.parquet", patient_id=patient, origin=file, caption=report)
        rewrite(folder / dataset / "craft/seed0/images.parquet", caption=f"a prompt {HOSTILE}")
    return results
