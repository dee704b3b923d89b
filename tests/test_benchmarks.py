"""The benchmarks: their records have one form, they count what they say, and each of them starts."""

import ast
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import torch
from tiny import tiny_foundation
from torch import nn

from craft.core.config.methods import Compute, Lora, Sampling
from craft.core.device import visible_gpus

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from common import RESULTS, SHAPES, Metric, random_pipeline, record  # noqa: E402
from memory import MIB, SavedTensors, measure_peaks, measure_step  # noqa: E402
from peers import make_metrics, paired_ratios  # noqa: E402
from workload import Ours, Work, reward  # noqa: E402

SCRIPTS = sorted(path for path in BENCHMARKS.glob("*.py") if "typer" in path.read_text(encoding="utf-8"))
KEYS = {"metric", "value", "unit", "better", "goal", "conditions"}


def check_record(path: Path) -> list[dict]:
    """Assert the form of a result file and return its metrics."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content) == {"date", "device", "command", "metrics"}
    assert date.fromisoformat(content["date"])
    assert content["command"].startswith(f"python benchmarks/{path.stem}.py")
    names = [metric["metric"] for metric in content["metrics"]]
    assert names and len(set(names)) == len(names)
    for metric in content["metrics"]:
        assert set(metric) == KEYS
        assert metric["better"] in ("lower", "higher")
        assert isinstance(metric["value"], float)
        assert metric["goal"] is None or isinstance(metric["goal"], float | int)
        assert metric["unit"] and metric["conditions"]
    return content["metrics"]


def test_a_record_has_the_documented_form_and_four_digits(tmp_path):
    metric = Metric("cpu_ratio", 0.123456, "1", "lower", None, "nowhere")
    path = record("some", "python benchmarks/some.py", "cpu", [metric], tmp_path)
    assert check_record(path)[0]["value"] == 0.1235


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_kept_result_has_the_documented_form(path):
    check_record(path)


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_does_not_count():
    assert paired_ratios([[1.0, 1.0, 9.0], [10.0]], [[2.0], [20.0, 20.0]]) == [0.5, 0.5]


def test_every_metric_of_the_comparison_has_its_name_and_goal():
    seconds = {"trl_k1": [[2.0]], "k1": [[1.0]], "k1_lv2": [[1.5]], "k1_checkpointed": [[1.2]]}
    metrics = {metric.metric: metric for metric in make_metrics(seconds, {"trl_k1": 9.0, "k1": 8.0}, 1e-6, 4)}
    goals = {name: metric.goal for name, metric in metrics.items() if metric.goal}
    assert goals == {"cpu_ratio_to_trl_k1": 0.60, "cpu_ratio_to_trl_k1_lv2": 0.75}
    assert metrics["cpu_ratio_to_trl_k1"].value == 0.5
    assert metrics["cpu_seconds_per_step_k1_lv2"].value == 1.5
    assert metrics["cpu_ratio_to_trl_k1_checkpointed"].value == 0.6
    assert metrics["peak_memory_mb_trl_k1"].value == 9.0


def test_saved_bytes_are_those_of_the_storages_that_the_backward_pass_needs():
    layer, inputs = nn.Linear(8, 16), torch.ones(4, 8)
    counter = SavedTensors(layer.parameters())
    with counter.counting():
        hidden = layer(inputs)
        output = hidden.relu()
        total = output.square().sum()
    # the linear layer keeps its input, the relu and the square share the relu's output, the weight is a parameter
    assert counter.bytes() == 4 * (inputs.numel() + output.numel())
    total.backward()
    del hidden, output, total
    assert counter.bytes() == 0, "what the graph has let go of does not count"


def test_counting_changes_no_gradient():
    layer, inputs = nn.Linear(8, 16), torch.ones(4, 8)
    expected = torch.autograd.grad(layer(inputs).tanh().square().sum(), layer.weight)[0]
    with SavedTensors([]).counting():
        total = layer(inputs).tanh().square().sum()
    assert torch.equal(torch.autograd.grad(total, layer.weight)[0], expected)


def test_peaks_count_what_each_pass_holds():
    def forward():
        return torch.zeros(MIB).add(1)  # two tensors of 4 MiB at once, one of which stays

    peaks = measure_peaks(forward, lambda result: result.add(1).add(1))
    assert peaks.whole == pytest.approx(12 * MIB, rel=0.01)
    assert peaks.backward == pytest.approx(8 * MIB, rel=0.01)


def test_recomputed_activations_are_not_saved():
    foundation = tiny_foundation()
    foundation.add_adapter(Lora(rank=2))
    kept = measure_step(foundation)
    foundation.prepare(Compute(checkpointing=True))
    recomputed = measure_step(foundation)
    assert 0 < recomputed.saved < 0.5 * kept.saved
    assert kept.saved <= kept.step and recomputed.backward > kept.backward


def test_random_pipelines_have_the_shapes_of_the_models_they_stand_for():
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        sizes = {name: UNet2DConditionModel(**SHAPES[name].unet) for name in ("sd15", "sdxl")}
    millions = {name: sum(p.numel() for p in unet.parameters()) / 1e6 for name, unet in sizes.items()}
    assert millions["sd15"] == pytest.approx(859.52, abs=0.01)
    # SDXL's 2567.46 million less those of its added conditioning (2816 -> 1280 -> 1280)
    assert millions["sdxl"] == pytest.approx(2567.46 - 5.25, abs=0.1)


def test_the_work_takes_the_gradient_of_its_reward_through_the_last_step_only(tmp_path):
    random_pipeline("tiny", 32).save_pretrained(tmp_path)
    ours = Ours(Work(str(tmp_path), batch=4, sampling=Sampling(steps=3, guidance_scale=5.0)))
    passes = []
    ours.foundation.unet.register_forward_hook(lambda *arguments: passes.append(torch.is_grad_enabled()))
    gradient = ours.gradient(0)
    assert passes == [False, False, True]
    assert gradient.norm() > 0 and torch.equal(gradient, ours.gradient(0))
    assert not torch.equal(gradient, ours.gradient(1))
    assert reward(torch.rand(2, 3, 32, 32)).shape == (2,)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_benchmark_says_what_it_does_without_loading_torch(script):
    """Whoever asks for help does not wait for torch; a benchmark names it inside of functions only."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("torch" in ast.unparse(node) for node in imports)
    help_text = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True)
    assert help_text.returncode == 0 and "Usage" in help_text.stdout


@pytest.mark.skipif(bool(visible_gpus()), reason="there is a GPU")
def test_the_gpu_benchmark_ends_with_a_sentence_where_there_is_no_gpu():
    command = [sys.executable, BENCHMARKS / "gpu_finetuning.py"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "needs a CUDA GPU" in ended.stderr and "Traceback" not in ended.stderr


def test_the_gpu_benchmark_runs_at_a_tiny_size_on_a_cpu(tmp_path):
    from gpu_finetuning import main

    main(["tiny"], "cpu", 32, 4, 2, 1, peak_tflops=1.0, output=tmp_path)
    values = {metric["metric"]: metric["value"] for metric in check_record(tmp_path / "gpu_finetuning.json")}
    assert values["cpu_images_per_second_tiny"] == pytest.approx(4 / values["cpu_seconds_per_step_tiny"], rel=0.01)
    assert 0 < values["cpu_fraction_of_matrix_peak_tiny"] < 1


def test_the_biomarkers_benchmark_fits_a_threshold_and_counts_what_cannot_be_told_as_wrong():
    import numpy as np
    from biomarker_phantoms import balanced_accuracy, fit_threshold

    score, holds = np.array([0.0, 1.0, np.nan, 2.0, 3.0]), np.array([False, False, False, True, True])
    threshold = fit_threshold(score, holds)
    assert 1.0 <= threshold < 2.0
    assert balanced_accuracy(score, holds, threshold) == pytest.approx((1 + 2 / 3) / 2)
