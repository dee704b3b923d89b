"""Images of a spool are those that were given to it, in any order, and a table takes them as it takes others."""

import numpy as np

from craft.core.images import image_row, read_images, write_images
from craft.core.spool import ImageSpool


def drawn_rows(count: int) -> list[dict]:
    images = np.random.default_rng(0).integers(0, 255, (count, 16, 16, 3), dtype=np.uint8)
    return [image_row(image, label="nevus", split="train", origin="drawn") for image in images]


def test_kept_images_come_back_in_any_order(tmp_path):
    rows, spool = drawn_rows(5), ImageSpool()
    kept = [spool.keep(row["image"]) for row in rows]
    assert [dict(kept[place]) for place in (3, 0, 4)] == [rows[place]["image"] for place in (3, 0, 4)]
    kept.append(spool.keep({"bytes": b"last"}))
    assert kept[5]["bytes"] == b"last" and kept[0]["bytes"] == rows[0]["image"]["bytes"]


def test_a_table_of_kept_images_is_that_of_the_images(tmp_path):
    rows, spool = drawn_rows(3), ImageSpool()
    write_images(tmp_path / "held.parquet", rows)
    write_images(tmp_path / "kept.parquet", [row | {"image": spool.keep(row["image"])} for row in rows])
    held, kept = (read_images(tmp_path / f"{name}.parquet") for name in ("held", "kept"))
    assert held.equals(kept)
