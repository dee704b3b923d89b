"""The audit of a dataset: what is judged, on what thresholds rest, and what bad input gets."""

import numpy as np
import pandas as pd
import pytest
from greys import BRIGHT, DARK, draw_images, measure, two_labels
from in_process import run_script

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.core.images import decode_images, image_row, read_images, write_images
from craft.core.settings import ImageSet
from craft.evaluation.auditing.audit import audit_images
from craft.evaluation.auditing.auditors import open_biomarkers
from craft.evaluation.auditing.results import COLUMNS
from craft.evaluation.auditing.settings import AuditJob, AuditSettings

GENERATED = "craft/seed1/images.parquet"
JOB = AuditJob(
    dataset="greys",
    generated=[ImageSet(method="craft", seed=1)],
    audit=AuditSettings(floor=0.85),
)


def make_table(path, splits: dict[str, list[str]], levels: dict[str, float]) -> None:
    rows = []
    for split, labels in splits.items():
        images = draw_images(labels, levels, seed=len(split))
        rows += [
            image_row(image, label=label, split=split, origin="drawn", patient_id=str(number))
            for number, (image, label) in enumerate(zip(images, labels, strict=True))
        ]
    write_images(path, rows)


@pytest.fixture
def dataset(tmp_path):
    """A dataset of grey images whose generated images are all bright, whatever their label."""
    both = [BRIGHT, DARK] * 12
    make_table(tmp_path / "images.parquet", dict.fromkeys(("calibration", "test"), both), {BRIGHT: 180, DARK: 60})
    make_table(tmp_path / GENERATED, {"generated": both}, {BRIGHT: 180, DARK: 180})
    return tmp_path


def measured(folder, known=True) -> pd.DataFrame:
    """The biomarkers of all images of a dataset; without a measure where its modality has none."""
    tables = []
    for method, seed, name in (("real", 0, "images.parquet"), ("craft", 1, GENERATED)):
        frame = read_images(folder / name)
        rows = frame[["image_id", "split", "label"]].assign(dataset="greys", method=method, seed=seed)
        tables.append(pd.concat([rows, measure(decode_images(frame))], axis=1) if known else rows)
    return pd.concat(tables, ignore_index=True)


def audit(folder):
    images = folder / "images.parquet"
    auditors = [open_auditor(folder)]
    return audit_images(JOB, auditors, two_labels(), images, [folder / GENERATED], measured(folder))


def open_auditor(folder):
    return open_biomarkers(JOB.audit, two_labels(), folder / "images.parquet", measured(folder))


def test_every_image_item_and_auditor_has_one_answer(dataset):
    frame = audit(dataset)
    assert tuple(frame.columns) == COLUMNS and len(frame) == 2 * 24 * 3
    told = frame[frame["answer"] != "cannot tell"]
    shares = (told["answer"] == "yes").groupby([told["method"], told["label"]]).mean()
    assert shares["real"].to_dict() == {BRIGHT: 1.0, DARK: 1.0}
    assert shares["craft"].to_dict() == {BRIGHT: 1.0, DARK: 0.0}
    assert set(told["item"]) == {items.checklist[0].present for items in two_labels().labels.values()}


def test_thresholds_rest_on_the_calibration_split_alone(dataset):
    images = dataset / "images.parquet"
    before = open_auditor(dataset)
    frame = read_images(images)
    frame["label"] = np.where(
        frame["split"] == "test", frame["label"].map({BRIGHT: DARK, DARK: BRIGHT}), frame["label"]
    )
    write_images(images, frame.to_dict("records"))
    assert open_auditor(dataset).rules == before.rules
    calibration = frame["split"] == "calibration"
    frame.loc[calibration, "label"] = frame.loc[calibration, "label"].map({BRIGHT: DARK, DARK: BRIGHT})
    write_images(images, frame.to_dict("records"))
    assert open_auditor(dataset).rules != before.rules


def test_a_label_without_a_checklist_is_one_sentence(dataset):
    rows = read_images(dataset / GENERATED).assign(label="unheard").to_dict("records")
    write_images(dataset / GENERATED, rows)
    with pytest.raises(CraftError, match="label 'unheard', for which there is no checklist; add the label to") as error:
        audit(dataset)
    assert "\n" not in str(error.value)


def test_every_image_set_needs_its_file(dataset):
    images = dataset / "images.parquet"
    with pytest.raises(CraftError, match=r"1 image sets, but `--generated` gives 0 files"):
        audit_images(JOB, [open_auditor(dataset)], two_labels(), images, [], measured(dataset))


def test_an_image_that_was_not_measured_is_one_sentence(dataset):
    images, few = dataset / "images.parquet", measured(dataset).query("method == 'real'")
    with pytest.raises(CraftError, match=r"of craft, seed 1, was not measured; run `snakemake --forcerun"):
        audit_images(JOB, [open_auditor(dataset)], two_labels(), images, [dataset / GENERATED], few)


def audit_checklist(place, **options):
    paths = {
        "images": "images.parquet",
        "knowledge": "knowledge.yaml",
        "generated": GENERATED,
        "measures": "biomarkers.parquet",
        "audit": "audit.parquet",
    }
    files = paths | {"criteria": "criteria.csv"} | options
    return run_script("audit_checklist", place / "settings.yaml", *(f"--{key}={place / files[key]}" for key in files))


def test_script_audits_with_what_the_modality_has(dataset):
    JOB.save(dataset / "settings.yaml")
    (dataset / "knowledge.yaml").write_text(two_labels().to_yaml())
    write_parquet(dataset / "biomarkers.parquet", measured(dataset, known=False))
    ended = audit_checklist(dataset)
    assert ended.returncode == 0, ended.stderr
    assert "no item of its checklist can be told by biomarkers" in ended.stderr
    assert set(pd.read_parquet(dataset / "audit.parquet")["answer"]) == {"cannot tell"}
    criteria = pd.read_csv(dataset / "criteria.csv")
    assert len(criteria) == 6 and criteria["reason"].notna().all()
    missing = audit_checklist(dataset, generated="nowhere/images.parquet")
    assert missing.returncode == 2 and "Traceback" not in missing.stderr
    assert missing.stderr.splitlines()[-1].startswith("craft: no image table")


def test_as_many_images_are_measured_as_the_configuration_says(dataset):
    few = JOB.model_copy(update={"audit": JOB.audit.model_copy(update={"measured_per_method": 2})})
    few.save(dataset / "settings.yaml")
    (dataset / "knowledge.yaml").write_text(two_labels().to_yaml())
    write_parquet(dataset / "biomarkers.parquet", measured(dataset))
    ended = audit_checklist(dataset)
    assert ended.returncode == 0, ended.stderr
    audited = pd.read_parquet(dataset / "audit.parquet").groupby(["method", "seed"])[["image_id", "label"]].nunique()
    assert (audited["image_id"] == 2).all() and (audited["label"] == 2).all()
