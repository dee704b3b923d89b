"""Model cards say what a model was trained on, and give a licence where phantoms alone formed it."""

import pandas as pd
import pytest
import yaml

from craft.core.files import write_parquet
from craft.core.reading import read_json
from craft.models.provenance import count_origins, write_provenance

PHANTOMS, PATIENTS = {"phantom:chest": 3}, {"phantom:chest": 3, "image_folder:skin": 2}


def write(folder, images, start=None):
    folder.mkdir()
    write_provenance(
        folder,
        name="model",
        summary="It is small.",
        script="train_encoder",
        settings={},
        images=images,
        metrics={"x": 0.5},
        started=0.0,
        start=start and str(start),
    )
    text = (folder / "README.md").read_text()
    return yaml.safe_load(text.split("---")[1]), text


@pytest.mark.parametrize(("images", "licence"), [(PHANTOMS, "apache-2.0"), (PATIENTS, "other")])
def test_a_card_names_the_training_images_and_their_terms(images, licence, tmp_path):
    head, text = write(tmp_path / "model", images)
    assert head["license"] == licence
    assert ("synthetic-phantoms" in head["tags"]) == (images == PHANTOMS) == ("All of them are phantoms" in text)
    assert all(f"{count} of `{origin}`" in text for origin, count in images.items())
    assert read_json(tmp_path / "model/provenance.json")["images"] == images


def test_what_a_model_started_from_counts(tmp_path):
    write(tmp_path / "phantoms", PHANTOMS)
    write(tmp_path / "patients", PATIENTS)
    starts = {"phantoms": "apache-2.0", "patients": "other", "unknown": "other"}
    for start, licence in starts.items():
        head, text = write(tmp_path / f"on_{start}", PHANTOMS, tmp_path / start)
        assert head["license"] == licence and "going on from weights" in text
    assert write(tmp_path / "third", PHANTOMS, tmp_path / "on_patients")[0]["license"] == "other"


def test_training_images_are_counted_by_origin(tmp_path):
    for name, origin in (("a", "phantom:chest"), ("b", "image_folder:skin")):
        frame = pd.DataFrame({"origin": [origin] * 3, "split": ["train", "train", "test"]})
        write_parquet(tmp_path / f"{name}.parquet", frame)
    counted = count_origins([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert counted == {"phantom:chest": 2, "image_folder:skin": 2}
