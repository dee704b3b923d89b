"""The contact sheets: which images they show, and where the page shows them."""

import numpy as np
from fake_results import make_results
from PIL import Image

from craft.core.images import decode_images, image_row, read_images
from craft.documentation.sheets import first_images, methods_of, show_sheets, write_sheets
from craft.evaluation.results import Results


def test_sheets_of_a_run_replace_those_of_another_and_stand_in_the_page(tmp_path):
    make_results(tmp_path / "run", per_label=4)
    run = Results.load(tmp_path / "run").run
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "old-method.jpg").touch()
    write_sheets(tmp_path / "run", run, tmp_path / "sheets")
    names = {path.name for path in (tmp_path / "sheets").iterdir()}
    assert names == {f"{dataset}-{method}.jpg" for dataset in run.datasets for method in methods_of(run)}
    page = show_sheets(run, tmp_path / "sheets")
    assert all(f'"pictures/sheets/{name}"' in page for name in names)
    assert "No sheets" in show_sheets(run, tmp_path / "nowhere")


def test_a_sheet_begins_with_the_first_images_of_the_first_label(tmp_path):
    make_results(tmp_path / "run", per_label=4)
    run = Results.load(tmp_path / "run").run
    write_sheets(tmp_path / "run", run, tmp_path / "sheets")
    dataset, labels = next(iter(run.datasets.items()))
    own = read_images(tmp_path / "run" / f"{dataset}/{run.methods[0]}/seed{run.seeds[0]}/images.parquet")
    image = decode_images(own[own["label"] == labels[0]])[0]
    sheet = np.asarray(Image.open(tmp_path / "sheets" / f"{dataset}-{run.methods[0]}.jpg"))
    shown = sheet[: image.shape[0], : image.shape[1]].astype(int)
    assert np.abs(shown - image).mean() < 8


def test_labels_share_a_sheet(tmp_path):
    import pandas as pd

    image = np.zeros((4, 4, 3), np.uint8)
    rows = [image_row(image, label=label, split="", origin="s") for label in "abc" for _ in range(40)]
    shown = first_images(pd.DataFrame(rows), ["a", "b", "c"], 64)
    assert shown["label"].value_counts().to_dict() == {"a": 21, "b": 21, "c": 22}
