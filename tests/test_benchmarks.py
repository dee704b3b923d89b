"""The benchmarks: each runs its smallest real case, their records have one form, and they count what they say."""

import ast
import importlib
import json
import math
import re
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from fake_results import make_results
from in_process import run_script
from tiny import tiny_encoder, tiny_evaluator, tiny_foundation
from torch import nn

from craft.core.cli import new_app
from craft.core.device import visible_gpus
from craft.core.errors import CraftError
from craft.core.files import ROOT
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.rows import write_rows
from craft.evaluation.scoring.yardstick import Yardstick
from craft.pipeline.config import validate_config
from craft.pipeline.models import evaluator_refs
from craft.training.settings import SamplingSettings

BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from common import RESULTS, SHAPES, Metric, random_pipeline, record  # noqa: E402
from memory import MIB, SavedTensors, measure_peaks, measure_step  # noqa: E402
from peers import RESOLUTION, interleave, make_metrics, paired_ratios  # noqa: E402
from phantom_run import DATASET, make_dataset, make_run, read_test_images, repeat_images  # noqa: E402
from reward_per_compute import CHOICE, compare, diverse_gain  # noqa: E402
from scoring import make_metrics as make_scoring_metrics  # noqa: E402
from trial import State, probe  # noqa: E402
from ways import RECIPES, REWARD, WAYS, changed  # noqa: E402
from workload import Ours, Work, reward  # noqa: E402

SCRIPTS = sorted(path for path in BENCHMARKS.glob("*.py") if "typer" in path.read_text(encoding="utf-8"))
KEYS = {"metric", "value", "unit", "better", "goal", "conditions"}


def run_benchmark(name: str, folder: Path, *arguments: str) -> dict[str, dict]:
    """Run a benchmark's command line in this process; the metrics of the record that it writes to a folder."""
    app = new_app()
    app.command()(importlib.import_module(name).main)
    app([*arguments, f"--output={folder}"], standalone_mode=False)
    return {metric["metric"]: metric for metric in check_record(folder / f"{name}.json")}


def values_of(metrics: dict[str, dict]) -> dict[str, float]:
    """Metric -> value."""
    return {name: metric["value"] for name, metric in metrics.items()}


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
        assert isinstance(metric["value"], float) and math.isfinite(metric["value"])
        assert metric["goal"] is None or isinstance(metric["goal"], float | int)
        assert metric["unit"] and metric["conditions"]
    return content["metrics"]


def test_a_record_has_the_documented_form_and_four_digits(tmp_path):
    metric = Metric("cpu_ratio", 0.123456, "1", "lower", None, "nowhere")
    path = record("some", "python benchmarks/some.py", "cpu", [metric], tmp_path)
    assert check_record(path)[0]["value"] == 0.1235


def test_a_number_that_is_none_is_not_recorded(tmp_path):
    metrics = [
        Metric("good", 1.0, "1", "lower", None, "nowhere"),
        Metric("bad", math.nan, "1", "lower", None, "nowhere"),
    ]
    with pytest.raises(CraftError, match="bad is nan"):
        record("some", "python benchmarks/some.py", "cpu", metrics, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_kept_result_has_the_documented_form(path):
    check_record(path)


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_does_not_count():
    assert paired_ratios([[1.0, 1.0, 9.0], [10.0]], [[2.0], [20.0, 20.0]]) == [0.5, 0.5]


def test_every_metric_of_the_comparison_has_its_name_and_goal():
    seconds = {"trl_k1": [[2.0]], "k1": [[1.0]], "k1_lv2": [[1.5]], "k1_checkpointed": [[1.2]], "default": [[0.6]]}
    metrics = {metric.metric: metric for metric in make_metrics(seconds, {"trl_k1": 9.0, "k1": 8.0}, 1e-6, 4)}
    goals = {name: metric.goal for name, metric in metrics.items() if metric.goal}
    assert goals == {
        "cpu_ratio_to_trl_k1": 0.60,
        "cpu_ratio_to_trl_k1_lv2": 0.75,
        "cpu_ratio_to_trl_default": 0.35,
    }
    assert metrics["cpu_ratio_to_trl_default"].value == 0.3
    assert metrics["cpu_ratio_to_trl_k1"].value == 0.5
    assert metrics["cpu_seconds_per_step_k1_lv2"].value == 1.5
    assert metrics["cpu_ratio_to_trl_k1_checkpointed"].value == 0.6
    assert metrics["peak_memory_mb_trl_k1"].value == 9.0


def test_every_metric_of_scoring_has_its_name_and_goal():
    measured = {"stream": {"seconds": 9.0, "peak": 700.0}, "search": {"seconds": 6.0, "peak": 500.0}}
    measured |= {"share": 0.9, "low": 0.8, "high": 1.0, "naive_seconds": 0.8, "bare_seconds": 0.0036}
    measured |= {"scoring_seconds": 0.004, "decoding_seconds": 0.002}
    metrics = {metric.metric: metric for metric in make_scoring_metrics(measured, 20_000, 64, 5, 4)}
    assert {name: (metric.value, metric.goal) for name, metric in metrics.items() if metric.goal} == {
        "scoring_share_of_encoder": (0.9, 0.9),
        "scoring_ratio_to_naive": (200.0, 8.0),
        "scoring_peak_mib_20k": (700.0, 2048.0),
        "neighbour_search_seconds_20k": (6.0, 60.0),
        "neighbour_search_peak_mib_20k": (500.0, 2048.0),
    }
    assert metrics["scoring_share_of_encoder_with_decoding"].value == pytest.approx(0.6)


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
    foundation.add_adapter(rank=2)
    kept = measure_step(foundation)
    foundation.prepare(checkpointing=True)
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
    ours = Ours(Work(str(tmp_path), batch=4, sampling=SamplingSettings(steps=3, guidance_scale=5.0)))
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
    help_text = run_script(script.stem, "--help", kept_in="benchmarks")
    assert help_text.returncode == 0 and "Usage" in help_text.stdout


@pytest.mark.skipif(bool(visible_gpus()), reason="there is a GPU")
def test_the_gpu_benchmark_ends_with_a_sentence_where_there_is_no_gpu():
    ended = run_script("gpu_finetuning", kept_in="benchmarks")
    assert ended.returncode == 2
    assert "needs a CUDA GPU" in ended.stderr and "Traceback" not in ended.stderr


def test_the_gpu_benchmark_runs_at_a_tiny_size_on_a_cpu(tmp_path):
    small = ("--size=tiny", "--device=cpu", "--resolution=32", "--sampling-steps=2", "--steps=1", "--peak-tflops=1")
    values = values_of(run_benchmark("gpu_finetuning", tmp_path, *small))
    assert values["cpu_images_per_second_tiny"] == pytest.approx(4 / values["cpu_seconds_per_step_tiny"], rel=0.01)
    assert 0 < values["cpu_fraction_of_matrix_peak_tiny"] < 1


def test_the_activation_memory_benchmark_runs_at_a_tiny_size(tmp_path):
    metrics = run_benchmark("activation_memory", tmp_path, "--size=tiny", "--resolution=32")
    values = values_of(metrics)
    assert set(values) == {
        f"{what}_mib_tiny_32{suffix}"
        for what in ("saved_activation", "peak_backward", "peak_step")
        for suffix in ("", "_unchecked")
    }
    assert 0 < values["saved_activation_mib_tiny_32"] < 0.5 * values["saved_activation_mib_tiny_32_unchecked"]
    assert all(metric["goal"] is None for metric in metrics.values())


def test_our_side_of_the_peers_runs_and_its_seconds_make_a_record(tmp_path):
    """TRL comes from the package index, so that here its seconds are those of our own side."""
    ours = ["k1", "k1_lv2", "k1_checkpointed", "default"]
    random_pipeline("tiny", RESOLUTION).save_pretrained(tmp_path / "model")
    measured = interleave(Path(sys.executable), tmp_path, ours, steps=1, sampling_steps=2)
    seconds, peak = measured["seconds"], measured["peak_memory_mb"]
    assert {name: [len(block) for block in blocks] for name, blocks in seconds.items()} == {name: [1] for name in ours}
    assert "gradient_difference" not in measured
    metrics = make_metrics(seconds | {"trl_k1": seconds["k1"]}, {"trl_k1": peak, "k1": peak}, 0.0, 4)
    path = record("peers", "python benchmarks/peers.py", measured["device"], metrics, tmp_path)
    values = {metric["metric"]: metric["value"] for metric in check_record(path)}
    assert values["cpu_ratio_to_trl_k1"] == 1.0
    assert values["cpu_seconds_per_step_k1_lv2"] > 0 and values["peak_memory_mb_k1"] > 0
    assert {metric["metric"] for metric in check_record(RESULTS / "peers.json")} <= set(values)


def test_a_phantom_run_holds_what_scoring_needs(tmp_path):
    make_run(tmp_path, 60)
    yardstick, frame = Yardstick.load(tmp_path, DATASET), read_test_images(tmp_path)
    assert yardstick.role == "held_out"
    assert list(yardstick.real["image_id"]) == list(frame["image_id"])
    labels = torch.tensor(frame["label"].map(yardstick.labels.index).to_numpy())
    scores = yardstick.score(to_tensor(decode_images(frame)), labels)
    assert scores == pytest.approx(yardstick.real[yardstick.alignment.names].to_numpy(), abs=1e-5)
    stream = tmp_path / "stream.parquet"
    repeat_images(tmp_path / DATASET / "images.parquet", stream, 300)
    once, repeated = read_images(tmp_path / DATASET / "images.parquet")["image_id"], read_images(stream)["image_id"]
    assert list(repeated) == [once[row % len(once)] for row in range(300)]


def test_the_scoring_benchmark_runs_on_a_few_images(tmp_path):
    small = ("--images=40", "--batch=4", "--rounds=1", "--per-label=60", "--naive=1")
    metrics = run_benchmark("scoring", tmp_path, *small)
    names = {metric["metric"].replace("_20k", "_40") for metric in check_record(RESULTS / "scoring.json")}
    assert set(metrics) == names
    assert metrics["scoring_ratio_to_naive"]["value"] > 1
    assert metrics["scoring_peak_mib_40"]["value"] > metrics["neighbour_search_peak_mib_40"]["value"] > 0


def test_the_biomarkers_benchmark_runs_on_one_modality_and_keeps_the_rest(tmp_path):
    other = Metric("ham10000_auroc_sum", 0.8, "1", "higher", None, "measured before")
    record("biomarkers", "python benchmarks/biomarkers.py", "cpu", [other], tmp_path)
    small = ("--part=phantoms", "--part=speed", "--modality=fundus", "--phantoms=12")
    metrics = run_benchmark("biomarkers", tmp_path, *small)
    known = {metric["metric"] for metric in check_record(RESULTS / "biomarkers.json")}
    assert {name for name in known if re.match("(phantom|seconds).*fundus", name)} <= set(metrics)
    assert {name for name in metrics if "fundus" not in name} == {"ham10000_auroc_sum"}
    values = values_of(metrics)
    items = [value for name, value in values.items() if name.startswith("phantom_item_fundus")]
    assert values["phantom_balanced_accuracy_fundus"] == pytest.approx(sum(items) / len(items), abs=1e-3)
    assert values["phantom_worst_item_fundus"] == min(items)
    assert values["seconds_per_1000_images_fundus"] > 0


def test_too_few_phantoms_end_in_a_sentence(tmp_path):
    with pytest.raises(CraftError, match="--phantoms"):
        run_benchmark("biomarkers", tmp_path, "--part=phantoms", "--modality=fundus", "--phantoms=2")


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory) -> Path:
    """A configuration with tiny random models, whose results folder holds what its reward method needs."""
    folder = tmp_path_factory.mktemp("run")
    raw = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text(encoding="utf-8"))
    paths = {name: folder / f"models/{name}" for name in ("foundation", *raw["evaluators"], *raw["encoders"])}
    raw |= {
        "results": str(folder / "results"),
        "datasets": {DATASET: raw["datasets"][DATASET]},
        "foundation": {"path": str(paths["foundation"])},
        "phantom_classifier": None,
    }
    # random models hardly tell images apart, so that a guard would stop at random
    raw["methods"]["craft"]["guard"] |= {
        "min_diversity": 0.0,
        "min_plausibility": 0.0,
        "max_shift": 99.0,
        "tolerance": 1.0,
    }
    for seed, (name, evaluator) in enumerate(raw["evaluators"].items()):
        loader = evaluator.get("loader", "transformers")
        raw["evaluators"][name] = {"role": evaluator["role"], "loader": loader, "path": str(paths[name])}
        tiny_evaluator(family=name, seed=seed).save(paths[name])
    for name in ("resnet", "bit"):
        raw["encoders"][name] = {"role": raw["encoders"][name]["role"], "path": str(paths[name])}
        tiny_encoder(tower=name).save(paths[name])
    foundation, data = tiny_foundation(), folder / "results" / DATASET
    foundation.save(paths["foundation"])
    config = validate_config(raw)
    known = make_dataset(config, DATASET, folder / "results", evaluator_refs(config))
    frame = known.frame[known.frame["split"] == "train"]
    latents = foundation.encode_images(to_tensor(decode_images(frame)))
    write_rows(data / "latents.safetensors", list(frame["image_id"]), {"latents": latents})
    foundation.add_adapter(rank=2, alpha=2)
    foundation.save_adapter(data / "lora_enriched/seed0/adapter")
    (folder / "config.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return folder / "config.yaml"


def test_the_choice_spends_its_budget_on_every_way_and_only_then_asks_the_held_out_judge_of_the_best(
    tiny_run, tmp_path
):
    ways, budget = ("refl", "direct_diversity", "trl_recipe", "supervised_min_snr"), 900
    small = (f"--dataset={DATASET}", f"--config={tiny_run}", f"--evaluations={budget}", "--images=6", "--states=2")
    seeds = ("--seed=1", "--seed=2")
    with pytest.raises(CraftError, match="without `--held-out`"):
        run_benchmark("reward_per_compute", tmp_path, *small, "--held-out")
    metrics = run_benchmark("reward_per_compute", tmp_path, *small, *(f"--way={way}" for way in ways), *seeds)
    assert set(metrics) == {f"monitor_diverse_gain_{DATASET}_{way}" for way in ways}
    for metric in metrics.values():
        check_gain(metric, budget)
    best = max(ways[:2], key=lambda way: metrics[f"monitor_diverse_gain_{DATASET}_{way}"]["value"])
    after = run_benchmark("reward_per_compute", tmp_path, *small, *seeds, "--held-out")
    assert {name: after[name] for name in metrics} == metrics
    gains = [after[f"held_out_diverse_gain_{DATASET}_{way}"]["value"] for way in (best, "trl_recipe")]
    ratio = after.get("held_out_gain_ratio_to_trl_recipe")
    assert (ratio is None) == (gains[1] == 0)
    assert ratio is None or ratio["value"] == pytest.approx(gains[0] / gains[1], rel=2e-3)
    assert len(after) == len(metrics) + 2 + (ratio is not None)


def check_gain(metric: dict, budget: int) -> None:
    """Assert that a gain is the largest of the diverse states, over the evaluations spent, about the budget."""
    conditions = metric["conditions"]
    steps, spent = map(int, re.search(r"(\d+) steps, (\d+) UNet evaluations", conditions).groups())
    assert steps > 1 and 0.7 * budget < spent <= 1.3 * budget
    best = []
    for training in re.findall(r"seed \d+: ([^;]+)", conditions):
        start, *states = [(float(cas), float(share)) for cas, share in re.findall(r"(\S+) \((\S+)\)", training)]
        assert len(states) == 2 + ("trl" not in conditions and "supervised" not in conditions)
        best.append(max([0.0, *(cas - start[0] for cas, share in states if share >= 0.9)]))
    assert len(best) == 2
    assert metric["value"] == pytest.approx(1000 * sum(best) / 2 / spent, abs=2e-3 * 1000 / spent)


def test_a_gain_counts_where_images_are_as_diverse_as_real_ones():
    states = [State(0, 0.3, 1.0), State(500, 0.5, 0.95), State(1000, 0.9, 0.5)]
    assert diverse_gain(states) == pytest.approx(0.2)
    assert diverse_gain([states[0], states[2]]) == 0.0
    assert diverse_gain([State(0, 0.3, 0.1), State(2000, 0.5, 0.9)]) == pytest.approx(0.1)


def test_the_ratio_to_trls_recipe_is_that_of_the_mean_gains_and_left_out_where_it_gained_nothing():
    def gains(*values):
        ways = ("direct", "direct", "trl_recipe", "trl_recipe")
        return [
            Metric(f"m{index}", value, "1", "higher", None, f"{way}, a dataset")
            for index, (way, value) in enumerate(zip(ways, values, strict=True))
        ]

    (ratio,) = compare(gains(0.3, 0.5, 0.1, 0.3), ["direct", "trl_recipe"], "held_out")
    assert (ratio.metric, ratio.value, ratio.goal) == ("held_out_gain_ratio_to_trl_recipe", pytest.approx(2.0), 2.0)
    assert compare(gains(0.3, 0.5, 0.0, 0.0), ["direct", "trl_recipe"], "held_out") == []


@pytest.mark.parametrize("way", [*REWARD, *RECIPES])
def test_every_way_is_a_sound_setting_of_the_reward_method(way):
    method = validate_config(yaml.safe_load(CHOICE.read_text(encoding="utf-8")), str(CHOICE)).methods["craft"]
    settings = changed(method, WAYS[way])
    assert settings.training.steps == method.training.steps and settings.guard.images == method.guard.images
    assert settings != method or way == method.backprop.mode


def test_trls_recipe_is_the_bare_reward_at_k_1():
    method = validate_config(yaml.safe_load(CHOICE.read_text(encoding="utf-8")), str(CHOICE)).methods["craft"]
    for changes in RECIPES.values():
        recipe = changed(method, changes)
        assert (recipe.backprop.mode, recipe.backprop.steps) == ("last", 1)
        assert (recipe.objective.match, recipe.objective.beta, recipe.objective.gamma) == ("maximise", 0.0, 0.0)


def test_defaults_are_chosen_on_phantoms_and_seeds_that_no_run_uses():
    def seeds_of(path):
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = validate_config(raw, str(path))
        phantoms = {getattr(dataset, "seed", None) for dataset in settings.datasets.values()} - {None}
        return phantoms, set(settings.seeds)

    runs = [seeds_of(path) for path in (ROOT / "config.yaml", *(ROOT / "configs").glob("*.yaml"))]
    phantoms, seeds = seeds_of(CHOICE)
    assert phantoms and not phantoms & set().union(*(found for found, _ in runs))
    assert not seeds & set().union(*(found for _, found in runs))


def test_the_choice_is_made_with_the_settings_of_the_default_run():
    default, choice = (
        validate_config(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
        for path in (ROOT / "config.yaml", CHOICE)
    )
    same = ("foundation", "evaluators", "encoders", "sampling", "resolution")
    assert all(getattr(choice, name) == getattr(default, name) for name in same)
    assert choice.methods["lora_enriched"] == default.methods["lora_enriched"]
    assert choice.methods["craft"].objective == default.methods["craft"].objective
    assert choice.methods["craft"].training == default.methods["craft"].training
    for name, dataset in choice.datasets.items():
        assert dataset.model_copy(update={"seed": default.datasets[name].seed}) == default.datasets[name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((f"--dataset={DATASET}", "--way=none"), "no way 'none'"), (("--dataset=none",), "no dataset 'none'")],
)
def test_the_reward_per_compute_benchmark_refuses_names_that_it_does_not_know(tiny_run, tmp_path, arguments, message):
    with pytest.raises(CraftError, match=message):
        run_benchmark("reward_per_compute", tmp_path, f"--config={tiny_run}", *arguments)


def test_a_backward_pass_counts_as_two_evaluations():
    foundation = tiny_foundation()
    parameters = foundation.add_adapter(rank=2)
    meter, states = foundation.meter, foundation.encode_prompts(["a nevus"] * 3)

    def loss_at(part):
        noise = torch.ones(3, *foundation.latent_shape)
        with torch.no_grad():
            foundation.unet(noise, 1, encoder_hidden_states=states)
        return foundation.unet(noise, 1, encoder_hidden_states=states).sample.mean(), {}

    assert probe(loss_at, parameters, meter, steps=2) == [3 + 3 + 2 * 3] * 2
    assert all(parameter.grad is None for parameter in parameters)


def test_the_foundation_benchmark_measures_both_kinds_of_ways(tmp_path):
    from anatomies import draw_phantoms
    from tiny import tiny_knowledge

    from craft.core.images import image_row, write_images

    known = tiny_knowledge()
    pairs = [pair for pair in zip(*draw_phantoms("dermoscopy", 3, 12), strict=True) if pair[1] in known.labels]
    rows = [
        image_row(image[::2, ::2], label=label, split=("train", "test")[index % 2], origin="s", patient_id=str(index))
        for index, (image, label) in enumerate(pairs)
    ]
    (tmp_path / "skin").mkdir()
    write_images(tmp_path / "skin/images.parquet", rows)
    (tmp_path / "skin/knowledge.yaml").write_text(known.to_yaml())
    tiny_foundation(32).save(tmp_path / "foundation")
    where = (f"--results={tmp_path}", f"--foundation={tmp_path / 'foundation'}", "--steps=2", "--images=10")
    metrics = run_benchmark("foundation", tmp_path, *where, "--way=muon_detail", "--way=unet_adamw")
    assert set(metrics) == {"psnr_muon_detail", "recall_dermoscopy_muon_detail", "error_unet_adamw"}
    assert "10 phantoms" in metrics["psnr_muon_detail"]["conditions"]
    assert 0.1 < metrics["error_unet_adamw"]["value"] < 10
    with pytest.raises(CraftError, match="no way 'none'"):
        run_benchmark("foundation", tmp_path, *where, "--way=none")
    with pytest.raises(CraftError, match="holds no prepared phantoms"):
        run_benchmark("foundation", tmp_path, f"--results={tmp_path / 'nowhere'}")


def test_the_biomarkers_benchmark_fits_a_threshold_and_counts_what_cannot_be_told_as_wrong():
    import numpy as np
    from biomarker_phantoms import balanced_accuracy, fit_threshold

    score, holds = np.array([0.0, 1.0, np.nan, 2.0, 3.0]), np.array([False, False, False, True, True])
    threshold = fit_threshold(score, holds)
    assert 1.0 <= threshold < 2.0
    assert balanced_accuracy(score, holds, threshold) == pytest.approx((1 + 2 / 3) / 2)


def test_the_studies_of_a_run_are_kept_with_what_made_them(tmp_path):
    run = make_results(tmp_path / "run", per_label=4)
    jobs = tmp_path / "run/benchmarks/check_validity/skin.jsonl"
    jobs.parent.mkdir(parents=True)
    jobs.write_text(json.dumps({"s": 90.0, "cpu_time": 60.0, "max_rss": 512.0}) + "\n")
    keep = importlib.import_module("public_validity").main
    keep(tmp_path / "run", "configs/public.yaml", "0123456", "a machine", tmp_path / "kept")
    table = pd.read_csv(tmp_path / "kept/validity.csv")
    facts = json.loads((tmp_path / "kept/run.json").read_text())
    assert set(table["dataset"]) == set(run.datasets) == set(facts["datasets"]) and "source" not in table
    assert (facts["commit"], facts["machine"], facts["cpu_minutes"]) == ("0123456", "a machine", 1.0)
    assert set(facts["studies"]) == set(table["study"])
