"""Damaged files: whatever byte is wrong, a reader ends in success or in one sentence that names the file."""

import json
import random

import numpy as np
import pandas as pd
import pytest
import torch

from craft.core.errors import CraftError
from craft.core.files import write_json, write_parquet, write_tensors
from craft.core.images import decode_images, image_row, read_images, stream_images, write_images
from craft.core.reading import read_frame, read_json, read_tensors, read_text, read_yaml
from craft.core.rows import read_rows, write_rows

IDS = [f"i{number}" for number in range(4)]


def write_table(path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    write_images(path, [image_row(image, label="a", split="test", origin="s") for image in images])


def stream(path):
    for frame in stream_images(path, batch=2):
        decode_images(frame)


# how a file of each kind is written, and read
KINDS = {
    "parquet": (
        lambda path: write_parquet(path, pd.DataFrame({"a": ["x"] * 9, "b": range(9)})),
        lambda path: read_frame(path, "m"),
    ),
    "image table": (write_table, lambda path: decode_images(read_images(path, "test"))),
    "stream": (write_table, stream),
    "tensors": (lambda path: write_tensors(path, {"a": torch.ones(3, 2)}), lambda path: read_tensors(path, "m")),
    "rows": (
        lambda path: write_rows(path, IDS, {"a": torch.ones(4, 2)}),
        lambda path: read_rows(path, "a", IDS, "encode_images"),
    ),
    "json": (lambda path: write_json(path, {"a": [1, {"b": "c"}]}), read_json),
}


def damage(rng: random.Random, data: bytes) -> bytes:
    place, length = rng.randrange(len(data)), rng.randint(1, 32)
    changed = bytearray(data)
    kind = rng.choice(["flip", "cut", "zero", "repeat", "gone", "empty"])
    if kind == "flip":
        changed[place] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del changed[place:]
    elif kind == "zero":
        changed[place : place + length] = bytes(length)
    elif kind == "repeat":
        changed[place:place] = changed[place : place + length] * 3
    elif kind == "gone":
        del changed[place : place + length]
    else:
        changed.clear()
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_ends_in_success_or_one_sentence(tmp_path, kind):
    write, read = KINDS[kind]
    whole, path, refused = tmp_path / "whole", tmp_path / "file", 0
    write(whole)
    read(whole)
    rng = random.Random(kind)
    for _ in range(60):
        path.write_bytes(damage(rng, whole.read_bytes()))
        try:
            read(path)
        except CraftError as error:
            refused += 1
            assert len(str(error)) <= 300
    assert refused > 20


@pytest.mark.parametrize("read", [read_json, lambda path: read_yaml(path, "m"), lambda path: read_text(path, "m")])
def test_text_that_is_none_names_its_file(tmp_path, read):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(CraftError, match=r"x\.json cannot be read as"):
        read(path)


def test_json_without_end_is_refused(tmp_path):
    path = tmp_path / "x.json"
    for text in ("[" * 100_000, json.dumps([[1]] * 200_000), "9" * 5000):
        path.write_text(text)
        with pytest.raises(CraftError, match="cannot be read as JSON"):
            read_json(path)


def test_yaml_of_nested_anchors_a_bad_date_and_many_digits_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    for text in ("\n".join(lines), "x: 2020-99-99", f"x: {'9' * 5000}", "x: &x [*x]", "x: " + "[" * 5000):
        path.write_text(text)
        with pytest.raises(CraftError, match="cannot be read as YAML"):
            read_yaml(path, "correct it")


def test_a_cell_that_is_no_image_names_the_image(tmp_path):
    write_table(tmp_path / "t.parquet")
    frame = read_images(tmp_path / "t.parquet")
    frame.at[2, "image"] = {"bytes": b"no image"}
    with pytest.raises(CraftError, match=frame["image_id"][2]):
        decode_images(frame)


def test_a_column_of_numbers_in_an_image_table_is_refused(tmp_path):
    write_table(tmp_path / "t.parquet")
    write_parquet(tmp_path / "t.parquet", pd.read_parquet(tmp_path / "t.parquet").assign(label=1))
    with pytest.raises(CraftError, match="'label' holds what is no text"):
        read_images(tmp_path / "t.parquet")


def test_rows_that_are_no_numbers_are_refused(tmp_path):
    write_rows(tmp_path / "f", IDS, {"a": torch.full((4, 2), torch.nan)})
    with pytest.raises(CraftError, match="not finite"):
        read_rows(tmp_path / "f", "a", IDS, "encode_images")
