"""Writing the knowledge of a modality's labels: chosen from the reviewed bank, or asked of a language model."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from craft.core.device import lease_device
from craft.core.errors import CraftError
from craft.core.files import write_json, write_text
from craft.core.identity import hash_files
from craft.core.progress import track
from craft.knowledge.instructions import LabelTask, in_words, modality_question
from craft.knowledge.lint import Finding, lint_text
from craft.knowledge.providers.cache import CachedModel
from craft.knowledge.providers.registry import open_model
from craft.knowledge.schema import Knowledge, LabelKnowledge
from craft.knowledge.settings import KnowledgeSettings

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """The knowledge of a modality's labels, where each part comes from, and what the linter finds in it.

    The bank's own files are reviewed and linted where they are kept, so they carry no findings here.
    """

    knowledge: Knowledge
    provenance: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)

    def refuse_findings(self) -> None:
        """Let no text into a run in which the linter still finds a fault.

        Raises:
            CraftError: if there is a finding; it says how to go on by hand.
        """
        if self.findings:
            first, model = self.findings[0], f"{self.provenance['provider']}:{self.provenance['model']}"
            raise CraftError(
                f"the knowledge that {model} wrote for {first.label!r} has faults, the first of {len(self.findings)}:"
                f" {first.message}; raise `re_asks`, or write it with `craft knowledge write`, mend the file and use"
                " it as the bank"
            )

    def save(self, path: Path, provenance: Path) -> None:
        """Write the knowledge file and the JSON file of its provenance."""
        write_text(path, self.knowledge.to_yaml())
        write_json(provenance, self.provenance)


def write_knowledge(
    settings: KnowledgeSettings, modality: str, labels: Sequence[str] = (), images: Path | None = None
) -> Written:
    """The knowledge of a modality's labels from the settings that the configuration names.

    Args:
        settings: the bank or a language model.
        modality: key of the modality, also the name of its file in the bank.
        labels: keys of the labels in their order; all that the bank knows when empty.
        images: image table for `settings.reference_images` images of each label, of its training split.

    Raises:
        CraftError: if the bank has no entry, the model cannot answer, or an image is missing.
    """
    path = Path(settings.folder) / f"{modality}.yaml"
    if settings.provider == "bank":
        knowledge = Knowledge.load(path)
        knowledge = knowledge.select(list(labels), path) if labels else knowledge
        origin = {"provider": "bank", "file": str(path), "sha256": hash_files([path]), "labels": list(knowledge.labels)}
        return Written(knowledge, origin | {"shares_texts": knowledge.shares_texts})
    bank = Knowledge.load(path) if path.is_file() else None
    if not (labels or bank):
        raise CraftError(f"the bank has no file {path}, so the labels of {modality!r} have to be named")
    keys = list(labels or bank.labels)
    shown = reference_images(settings, images, keys)
    # a local model is the only one that needs a device, and a lease would keep a training from it
    with lease_device() if settings.provider == "transformers" else nullcontext("cpu") as device:
        return ask_knowledge(
            open_model(settings, device), modality, list_tasks(modality, keys, bank, shown), bank, settings
        )


def list_tasks(
    modality: str, labels: list[str], bank: Knowledge | None, shown: dict[str, tuple[np.ndarray, ...]]
) -> dict[str, LabelTask]:
    """What the model is asked of each label."""
    known = bank.labels if bank else {}
    names = {label: known[label].name if label in known else in_words(label) for label in labels}
    return {
        label: LabelTask(
            modality, name, tuple(n for other, n in names.items() if other != label), bank, shown.get(label, ())
        )
        for label, name in names.items()
    }


def ask_knowledge(
    model: CachedModel, modality: str, tasks: dict[str, LabelTask], bank: Knowledge | None, settings: KnowledgeSettings
) -> Written:
    """Ask a model for every label, then at most `settings.re_asks` times for those in which the linter finds faults.

    Raises:
        CraftError: if the model cannot be asked or does not follow the structure.
    """
    origin: dict[str, Any] = {
        "provider": settings.provider,
        "model": settings.model,
        "modality": modality,
        "labels": {},
    }
    coarse = bank.coarse_prompts if bank else None
    if coarse is None:
        prompts, origin["coarse_prompts"] = model.answer_with_provenance(*modality_question(modality))
        coarse = prompts.coarse_prompts
    answers: dict[str, Any] = {}
    questions = {label: task.question() for label, task in tasks.items()}
    for repaired in range(settings.re_asks + 1):
        for label, question in track(questions.items(), f"ask {model.name}"):
            answer, where = model.answer_with_provenance(question, tasks[label].structure())
            answers[label], origin["labels"][label] = answer, where | {"lint_repairs": repaired}
        written = {
            label: LabelKnowledge(name=tasks[label].name, **answer.model_dump()) for label, answer in answers.items()
        }
        knowledge = Knowledge(modality=modality, coarse_prompts=coarse, labels=written)
        findings = lint_text(knowledge.to_yaml(), f"{modality}.yaml")
        faults = {label: [f.message for f in findings if f.label == label] for label in tasks}
        questions = {label: tasks[label].repair(answers[label], found) for label, found in faults.items() if found}
        if not questions:
            break
        LOG.info("%s: the linter finds faults in %s", model.name, ", ".join(questions))
    origin |= {"shares_texts": knowledge.shares_texts, "findings": [f"{f.label}: {f.message}" for f in findings]}
    return Written(knowledge, origin, findings)


def provenance_path(path: Path) -> Path:
    """Where the provenance of a knowledge file lies unless it is told otherwise."""
    return Path(path).with_suffix(".provenance.json")


def reference_images(
    settings: KnowledgeSettings, images: Path | None, labels: list[str]
) -> dict[str, tuple[np.ndarray, ...]]:
    """The training images of each label that the model is shown, in the order of their hashes.

    Raises:
        CraftError: if images are configured and there is no table of them, or a label has none.
    """
    if not settings.reference_images:
        return {}
    if images is None:
        raise CraftError("`reference_images` asks for images of the labels; name an image table with --images")
    import pandas as pd

    from craft.core.images import decode_images, read_texts, stream_images

    frame = read_texts(images, "train").sort_values("sha256")
    if missing := [label for label in labels if label not in set(frame["label"])]:
        raise CraftError(f"{images} has no training image of label {missing[0]!r} to show; write `reference_images: 0`")
    chosen = frame.groupby("label").head(settings.reference_images)
    parts = [part[part["sha256"].isin(chosen["sha256"])] for part in stream_images(images, "train")]
    shown = pd.concat(parts).sort_values("sha256")
    return {label: tuple(decode_images(shown[shown["label"] == label])) for label in labels}
