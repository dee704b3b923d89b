import os
import sys
from pathlib import Path
from shlex import quote

from snakemake.iocontainers import Wildcards

SOURCES = Path(workflow.basedir, "src").resolve()
sys.path.insert(0, str(SOURCES))

from craft.core.errors import CraftError
from craft.core.identity import notebook_closure, source_closure
from craft.core.settings import REAL
from craft.evaluation.ablation.results import files_read
from craft.evaluation.gallery.results import files_shown
from craft.evaluation.reporting.notebooks import list_figures
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.tables import TABLES
from craft.pipeline.claim import claim_run, require_own_folder
from craft.pipeline.config import validate_config
from craft.pipeline.inputs import check_inputs
from craft.pipeline.jobs import ABLATION_SETTINGS, GALLERY_SETTINGS, STUDY_SETTINGS, write_settings
from craft.pipeline.models import model_path
from craft.pipeline.pins import pin_models
from craft.pipeline.watch import write_manifests
from craft.training.methods.base import model_of

# Jobs run the code beside this Snakefile under the Python that runs Snakemake. The prefix is written out because a
# conda environment (--sdm conda) drops an inherited PYTHONPATH.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
shell.prefix(f"set -euo pipefail; export PYTHONPATH={quote(str(SOURCES))}; ")

try:
    require_own_folder(Path(workflow.basedir))
    origins = workflow.overwrite_configfiles or ["config.yaml"]
    CONFIG = validate_config(config, ", ".join(os.path.relpath(origin) for origin in origins))
    check_inputs(CONFIG)
    # it lasts as long as the process, which the name keeps it for
    CLAIM = claim_run(Path(CONFIG.results), job=not workflow.is_main_process)
    CONFIG = pin_models(CONFIG, CLAIM.write)
    JOBS = write_settings(CONFIG, CLAIM.write)
    RAW_FILES = write_manifests(CONFIG, CLAIM.write)
except CraftError as error:
    print(f"craft: {error}", file=sys.stderr)
    sys.exit(error.exit_code)

# the methods of the run, and those that only an ablation plans: variants of one, and what these start from
METHODS = CONFIG.with_ablations().methods
VARIANTS = list(CONFIG.ablated.phrases()) if CONFIG.ablated else []
FIGURES = {figure.name: figure for figure in list_figures(Path("notebooks"))}
# where nothing is trained, there is nothing to draw of trainings and of what they cost
TRAINS = any(method.rule for method in CONFIG.methods.values())
UNDRAWN = [] if TRAINS else ["{trained}", "tables/cost.csv"]
NOTEBOOKS = [
    name
    for name, figure in FIGURES.items()
    if figure.paper and not any(part in "".join(figure.reads) for part in UNDRAWN)
]
TRAINED_MODELS = {Path(name).stem for name in JOBS if name.startswith("models/settings/")} - {"check_models"}
# where the files of one image set lie
IMAGE_SET = "<results>/{dataset}/{method}/seed{seed}"
# methods whose images the run samples, and those that only an ablation samples; what names a job that does
SAMPLED = [name for name, method in CONFIG.methods.items() if method.sampled]
SAMPLED_VARIANTS = [name for name in METHODS if name not in CONFIG.methods]
TOGETHER = bool(SAMPLED) and CONFIG.resources.sample_together
SAMPLING = "{dataset}" if TOGETHER else "{dataset}.{method}.seed{seed}"


def any_of(names):
    """Regular expression of exactly these names; where there are none, nothing matches."""
    return "|".join(map(str, names)) or "(?!)"


def code_of(script, settings):
    """An input function: the code of a script and of what its job finds by name, as its settings say."""

    def closure(wildcards):
        return source_closure(script, JOBS[settings.format(**wildcards)].modules)

    return closure


def repeated(option, name):
    """A params function: an option once for every file of that name among the inputs or outputs."""

    def options(wildcards, input, output):
        files = getattr(input, name) if hasattr(input, name) else getattr(output, name)
        return [f"{option} {quote(path)}" for path in ([files] if isinstance(files, str) else files)]

    return options


def optional(option, name):
    """A params function: an option with the input of that name, where there is one."""

    def options(wildcards, input):
        return f"{option} {quote(getattr(input, name))}" if getattr(input, name) else ""

    return options


def of_sets(file, methods=None):
    """An input or output: the file of that name of every generated image set, in the order of all settings."""
    names = CONFIG.methods if methods is None else methods
    return expand(f"<results>/{{{{dataset}}}}/{{method}}/seed{{seed}}/{file}", method=names, seed=CONFIG.seeds)


def of_sampled(file, methods):
    """An input or output: the file of that name of every image set that one sampling job makes."""
    return of_sets(file, methods) if TOGETHER else f"{IMAGE_SET}/{file}"


def for_each_set(methods, files_of):
    """An input function: the files that another one names for the image sets of a sampling job, each once."""

    def files(wildcards):
        sets = [wildcards]
        if TOGETHER:
            sets = [
                Wildcards(fromdict={**wildcards, "method": method, "seed": str(seed)})
                for method in methods
                for seed in CONFIG.seeds
            ]
        named = [(files_of(each), dict(each.items())) for each in sets]
        paths = [(path, place) for found, place in named for path in ([found] if isinstance(found, str) else found)]
        return list(dict.fromkeys(path.format(**place) for path, place in paths))

    return files


def sampling_minutes(methods):
    """Minutes that a cluster grants a sampling job."""
    return CONFIG.resources.score_runtime * (len(methods) * len(CONFIG.seeds) if TOGETHER else 1)


def of_measured(file):
    """An input or output: that file of the decoded real images, where there are some, then of every generated set."""
    decoded = [name for name in CONFIG.controls() if name != REAL]
    return [*(f"<results>/{{dataset}}/{name}/seed0/{file}" for name in decoded), *of_sets(file)]


def with_foundation(file):
    """An output: that file of a dataset; nothing where there is no foundation to make it."""
    return f"<results>/{{dataset}}/{file}" if CONFIG.foundation else []


def methods_by(rule):
    """Names of the methods whose adapter a rule trains."""
    return [name for name, method in METHODS.items() if method.rule == rule]


def rewarded_methods():
    """Names of the methods that are finetuned on a reward."""
    return [name for name, method in CONFIG.methods.items() if method.rewarded]


def trained_methods():
    """Names of the methods that have an adapter."""
    return [name for name, method in CONFIG.methods.items() if method.rule]


def model_files(name):
    """The folder of a model that the pipeline trains, or what stands for a released one; nothing without a model."""
    if getattr(CONFIG, name, ...) is None:
        return []
    path = model_path(CONFIG, name)
    return path if name in TRAINED_MODELS else released_files(path)


def released_files(path):
    """What stands for a model: the JSON files of its folder where provenance.json holds the hashes of its weights.

    Without it all files of the folder and of those below it, or the one file; nothing for a hub id or a package.
    """
    if not Path(path).exists():
        return []
    if Path(path).is_file():
        return path
    told = (Path(path) / "provenance.json").is_file()
    found = sorted(file for file in Path(path).glob("*.json" if told else "**/*") if file.is_file())
    return list(map(str, found)) or f"{path}/provenance.json"


def foundation_to_start_from():
    """What stands for the foundation whose UNet trains on; nothing where it is trained from scratch or loaded."""
    training = CONFIG.foundation and CONFIG.foundation.train
    return released_files(training.start) if training and training.start else []


def evaluator_files(*roles):
    """What stands for the evaluators and encoders of the given roles; of all without a role."""
    models = {f"evaluator-{name}": model.role for name, model in CONFIG.evaluators.items()}
    models |= {f"encoder-{name}": model.role for name, model in CONFIG.encoders.items()}
    return [model_files(name) for name, role in models.items() if not roles or role in roles]


def method_evaluators(wildcards):
    """What stands for the evaluators that a method sees."""
    found = evaluator_files(*METHODS[wildcards.method].roles)
    return [path for files in found for path in ([files] if isinstance(files, str) else files)]


def raw_files(place):
    """An input function: what changes when the raw files of a dataset or of given images do; phantoms have none."""

    def path(wildcards):
        return str(RAW_FILES.get(place.format(**dict(wildcards.items())), "")) or []

    return path


def checked_models():
    """The quality table, where the configuration trains models whose images a classifier of phantoms can judge."""
    return "<results>/models/quality.json" if {"foundation", "phantom_classifier"} <= TRAINED_MODELS else []


def knowledge_bank(wildcards):
    """The reviewed knowledge of a dataset's modality; a language model writes without one where there is none."""
    path = f"{CONFIG.knowledge.folder}/{CONFIG.datasets[wildcards.dataset].modality}.yaml"
    return path if CONFIG.knowledge.provider == "bank" or Path(path).is_file() else []


def knowledge_images(wildcards):
    """The image table, where a language model is shown images of the labels."""
    return "<results>/{dataset}/images.parquet" if CONFIG.knowledge.asks_with_images else []


def knowledge_gpus():
    """One GPU where a local language model writes the knowledge."""
    return int(CONFIG.knowledge.provider == "transformers")


def audit_gpus():
    """One GPU where a local language model looks at the images."""
    return int(CONFIG.audit.asks_local_model)


def adapter_of(method):
    """The adapter folder of a method that trains one; nothing for the foundation."""
    return f"<results>/{{dataset}}/{method}/seed{{seed}}/adapter" if method else []


def starting_adapter(wildcards):
    """The adapter from which a method starts."""
    return adapter_of(model_of(METHODS[wildcards.method].start, METHODS))


def method_adapter(wildcards):
    """The adapter that makes the images of a method: its own, or that of what it starts from."""
    return adapter_of(model_of(wildcards.method, METHODS))


def for_selection(file):
    """An input function: a file of the dataset, for methods that choose among their images."""

    def path(wildcards):
        return f"<results>/{{dataset}}/{file}" if METHODS[wildcards.method].selects else []

    return path


def selecting_evaluators(wildcards):
    """What stands for the evaluators that choose among the images of a method."""
    return method_evaluators(wildcards) if METHODS[wildcards.method].selects else []


def process_options():
    """What starts several processes of one training; nothing where one does."""
    count = CONFIG.resources.processes
    # the double dash keeps torchrun from reading the options of the script as its own
    return f"-m torch.distributed.run --standalone --nproc-per-node {count} --" if count > 1 else ""


def table_results():
    """The files of the run that its tables are made of, as the tables say."""
    results = Results(CONFIG.results, JOBS[SETTINGS])
    files = {file.name: file for _, table in TABLES.items() for file in table.reads}
    return [
        str(path) for file in files.values() for dataset in CONFIG.datasets for path in results.paths(file, dataset)
    ]


def ablation_results(wildcards):
    """The files of the run that the table of its ablation is made of."""
    return list(map(str, files_read(Results(CONFIG.results, JOBS[ABLATION_SETTINGS]))))


def gallery_results(wildcards):
    """The files of the run that its gallery is made of."""
    return list(map(str, files_shown(Results(CONFIG.results, JOBS[GALLERY_SETTINGS]))))


def require_section(name, part):
    """End the run with one sentence where it lacks a part that a target is about: the section, or what that names."""
    if not part:
        lacking = f"no section `{name}`; config.yaml shows one"
        if getattr(CONFIG, name):
            lacking = f"a section `{name}` that names a method or dataset which is none of the run's; correct it"
        print(f"craft: the configuration has {lacking}", file=sys.stderr)
        sys.exit(2)


def ablation_files(wildcards):
    """The table and the figure of the ablation; a configuration without one has neither."""
    require_section("ablations", CONFIG.ablated)
    return ["<results>/tables/ablation.csv", "<results>/figures/variants.pdf"]


def study_files(wildcards):
    """The page of the reader study and its key; a configuration without one has neither."""
    require_section("reader_study", CONFIG.studied)
    return ["<results>/reader_study/index.html", "<results>/reader_study/key.json"]


def study_images():
    """The image tables of all that a reader study shows, in the order of its settings."""
    shown = JOBS[STUDY_SETTINGS].images if STUDY_SETTINGS in JOBS else []
    folders = [
        each.dataset if each.method == REAL else f"{each.dataset}/{each.method}/seed{each.seed}" for each in shown
    ]
    return [f"<results>/{folder}/images.parquet" for folder in folders]


def study_analysis():
    """The table of a reader study, where `craft study analyse` wrote one."""
    path = Path(CONFIG.results, "reader_study/analysis.csv")
    return [str(path)] if path.is_file() else []


def study_knowledge():
    """The knowledge of all datasets that a reader study shows, in the order of its settings."""
    shown = JOBS[STUDY_SETTINGS].datasets if STUDY_SETTINGS in JOBS else {}
    return [f"<results>/{dataset}/knowledge.yaml" for dataset in shown]


def of_trainings(file):
    """The file of that name of every training of an adapter, in the order of `training_settings`."""
    names = trained_methods()
    return expand(f"{IMAGE_SET}/{file}", dataset=CONFIG.datasets, method=names, seed=CONFIG.seeds)


def training_settings():
    """The settings of every training of an adapter, in the order of `of_trainings`."""
    return [
        f"<results>/{dataset}/{method}/seed{seed}/settings/{CONFIG.methods[method].rule}.yaml"
        for dataset in CONFIG.datasets
        for method in trained_methods()
        for seed in CONFIG.seeds
    ]


def notebook_results(wildcards):
    """The files below the results folder that a notebook reads, as its metadata say."""
    known = {"dataset": CONFIG.datasets, "method": CONFIG.methods, "trained": trained_methods(), "seed": CONFIG.seeds}
    figure = FIGURES[wildcards.notebook]
    return [path for pattern in figure.reads for path in expand(f"{CONFIG.results}/{pattern}", **known)]


def notebook_text(wildcards):
    """What a notebook says of its figure, for Snakemake's report."""
    return FIGURES[wildcards.notebook].text


def notebook_code(wildcards):
    """The library files that a notebook imports."""
    return notebook_closure(wildcards.notebook)


def other_features(wildcards):
    """The feature files of other modalities, whose images are implausible under any label of this one."""
    own = CONFIG.datasets[wildcards.dataset].modality
    names = [name for name, dataset in CONFIG.datasets.items() if dataset.modality != own]
    return [f"{CONFIG.results}/{name}/features.safetensors" for name in names]
