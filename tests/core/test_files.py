"""Atomic files, image tables, seeds and the device lease."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from craft.core.device import lease_device
from craft.core.errors import CraftError
from craft.core.files import atomic_path, write_csv, write_json, write_private, write_tensors
from craft.core.images import decode_images, from_tensor, image_row, read_images, to_tensor, write_images
from craft.core.reading import read_json
from craft.core.seeds import Draws, derive_seed, torch_generator

ROOT = Path(__file__).parents[2]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.json") as staged:
        staged.write_text("half")
        raise RuntimeError
    assert read_json(tmp_path / "a.json") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("old", "new"):
        with atomic_path(tmp_path / "model") as staged:
            staged.mkdir()
            (staged / name).touch()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def table(path: Path) -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    write_images(path, [image_row(image, label="a", split="test", origin="s", patient_id="p") for image in images])
    return images


def test_an_image_table_returns_its_pixels(tmp_path):
    images = table(tmp_path / "t.parquet")
    frame = read_images(tmp_path / "t.parquet", "test")
    assert np.array_equal(decode_images(frame), images)
    assert np.array_equal(from_tensor(to_tensor(images)), images)


def test_hugging_face_datasets_reads_the_same_table(tmp_path):
    datasets = pytest.importorskip("datasets")
    images = table(tmp_path / "t.parquet")
    loaded = datasets.Dataset.from_parquet(str(tmp_path / "t.parquet"), cache_dir=str(tmp_path))
    assert np.array_equal(np.asarray(loaded[1]["image"]), images[1])


def test_a_missing_table_and_an_empty_split_get_a_sentence(tmp_path):
    with pytest.raises(CraftError, match="no image table"):
        read_images(tmp_path / "none.parquet")
    table(tmp_path / "t.parquet")
    with pytest.raises(CraftError, match="no image of split 'train'"):
        read_images(tmp_path / "t.parquet", "train")


def test_seeds_differ_by_purpose_and_repeat_by_name():
    assert derive_seed("a", 1) == derive_seed("a", 1) != derive_seed("a", 2)
    assert torch.equal(
        torch.rand(3, generator=torch_generator("x", 0)), torch.rand(3, generator=torch_generator("x", 0))
    )


def test_shares_of_a_batch_make_up_the_whole_batch():
    whole = Draws("x", 1)
    halves = [Draws("x", 1, share=share, shares=2) for share in range(2)]
    for draw in (lambda d, n: d.normal(n, 3), lambda d, n: d.uniform(n), lambda d, n: d.integers(7, n)):
        assert torch.equal(draw(whole, 4), torch.cat([draw(half, 2) for half in halves]))
    assert len({draws.common(1000) for draws in (whole, *halves)}) == 1
    assert set(whole.integers(5, 100).tolist()) == set(range(5))


def test_an_inherited_device_list_is_honoured(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with lease_device() as device:
        assert device == "cpu"


HELP = """
import json, sys
from in_process import run_script
runs = {name: run_script(name, "--help").stdout for name in sys.argv[1:]}
print(json.dumps([runs, sorted({"torch", "transformers", "diffusers", "sklearn"} & set(sys.modules))]))
"""


def test_every_script_explains_itself_without_loading_torch():
    scripts = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])}
    command = [sys.executable, "-c", HELP, *scripts]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said, loaded = json.loads(run.stdout)
    assert [name for name in scripts if "Usage" not in said[name]] == [] == loaded


def test_files_get_the_rights_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_tensors(tmp_path / "w.safetensors", {"a": torch.ones(2)})
        with atomic_path(tmp_path / "model") as staged:
            (staged / "deep").mkdir(parents=True)
            save_file({"a": torch.ones(2)}, staged / "deep" / "w.safetensors")
        write_private(tmp_path / "key", "secret")
    finally:
        os.umask(before)
    rights = [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("w.safetensors", "model/deep/w.safetensors")]
    assert rights == [0o640, 0o640]
    assert stat.S_IMODE(os.stat(tmp_path / "key").st_mode) == 0o600


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from craft.core.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as staged:\n"
        "    staged.write_text('half'); print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.json")]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    writer.stdout.readline()
    write_json(tmp_path / "a.json", 1)
    assert len(list(tmp_path.iterdir())) == 2, "a living writer's files are not touched"
    writer.kill()
    writer.wait()
    write_json(tmp_path / "a.json", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_gets_one_sentence_and_leaves_nothing(tmp_path):
    said = pytest.raises(CraftError, match=r"a.txt cannot be written: No space left .* MB are free")
    with said, atomic_path(tmp_path / "a.txt"), open("/dev/full", "w") as full:
        full.write("x")
        full.flush()
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_no_folder_gets_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CraftError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", 1)
    with pytest.raises(CraftError, match="cannot be written"):
        write_json(tmp_path / ("x" * 300), 1)


def test_an_error_of_the_block_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "none").read_text()


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path):
    frame = pd.DataFrame({"=a": ["=cmd()", "@x", "-rf.png", "-1.5", "+2", "plain"], "n": [-1.0, 2, 3, 4, 5, 6]})
    write_csv(tmp_path / "t.csv", frame)
    table = pd.read_csv(tmp_path / "t.csv", dtype=str)
    assert table["'=a"].tolist() == ["'=cmd()", "'@x", "'-rf.png", "-1.5", "+2", "plain"]
    assert table["n"][0] == "-1"
