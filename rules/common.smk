import os
import sys
from pathlib import Path

SOURCES = Path(workflow.basedir, "src").resolve()
sys.path.insert(0, str(SOURCES))

from craft.core.config.run import validate_config
from craft.core.errors import CraftError
from craft.core.identity import notebook_closure, source_closure
from craft.core.resolve import model_path, resolve_models, write_settings
from craft.datasets.readers.base import locate

# Jobs run the code beside this Snakefile under the Python that runs Snakemake. The prefix is written out because a
# conda environment (--sdm conda) drops an inherited PYTHONPATH.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
shell.prefix(f"set -euo pipefail; export PYTHONPATH='{SOURCES}'; ")

try:
    sources = workflow.overwrite_configfiles or ["config.yaml"]
    CONFIG = validate_config(config, ", ".join(os.path.relpath(source) for source in sources))
    write_settings(CONFIG)
except CraftError as error:
    print(f"craft: {error}", file=sys.stderr)
    sys.exit(error.exit_code)

NOTEBOOKS = sorted(path.stem for path in Path("notebooks").glob("*.ipynb"))
TRAINED_MODELS = {Path(name).stem for name in resolve_models(CONFIG)}


def any_of(names):
    """Regular expression of exactly these names; where there are none, nothing matches."""
    return "|".join(map(str, names)) or "(?!)"


def methods_of(*kinds):
    """Names of the methods of the given kinds."""
    return [name for name, method in CONFIG.methods.items() if method.kind in kinds]


def evaluators_of(*roles):
    """Names of the evaluators of the given roles."""
    return [name for name, evaluator in CONFIG.evaluators.items() if evaluator.role in roles]


def model_files(name):
    """The folder of a model that the pipeline trains, or what stands for a released one."""
    path = model_path(CONFIG, name)
    return path if name in TRAINED_MODELS else released_files(path)


def released_files(path):
    """The JSON files of a model folder, since provenance.json holds the hashes of its weights; none for a hub id."""
    is_hub_id = path.count("/") == 1 and not Path(path).exists()
    return [] if is_hub_id else sorted(map(str, Path(path).glob("*.json"))) or f"{path}/provenance.json"


def evaluator_files(*roles):
    """What stands for the evaluators of the given roles."""
    return [model_files(f"evaluator-{name}") for name in evaluators_of(*roles)]


def truth_files():
    """What stands for the truth classifier; nothing where there is none."""
    return model_files("truth") if CONFIG.truth else []


def raw_files(wildcards):
    """The label table or array file of a dataset that lies on disk; phantoms have none."""
    source = CONFIG.datasets[wildcards.dataset]
    path = locate(getattr(source, "path", "")) / getattr(source, "table", "")
    return str(path) if path.is_file() else []


def checked_models():
    """The quality table, where the configuration trains models whose images have a known truth."""
    return "<results>/models/quality.json" if {"foundation", "truth"} <= TRAINED_MODELS else []


def knowledge_bank(wildcards):
    """The reviewed knowledge of a dataset's modality; a language model writes without one where there is none."""
    path = f"{CONFIG.knowledge.folder}/{CONFIG.datasets[wildcards.dataset].modality}.yaml"
    return path if CONFIG.knowledge.provider == "bank" or Path(path).is_file() else []


def knowledge_images(wildcards):
    """The image table, where a language model is shown images of the labels."""
    return "<results>/{dataset}/images.parquet" if CONFIG.knowledge.asks_with_images else []


def images_option(wildcards, input):
    """`--images`, where a language model is shown images of the labels."""
    return f"--images {input.images}" if input.images else ""


def knowledge_gpus():
    """One GPU where a local language model writes the knowledge."""
    return int(CONFIG.knowledge.provider == "transformers")


def audit_gpus():
    """One GPU where a local language model looks at the images."""
    return int(CONFIG.audit.asks_local_model)


def starting_adapter(wildcards):
    """The adapter from which a reward method starts."""
    return f"<results>/{{dataset}}/{CONFIG.methods[wildcards.method].start}/seed{{seed}}/adapter"


def method_adapter(wildcards):
    """The adapter of a method; none where the method is the foundation as it is."""
    return [] if wildcards.method in methods_of("foundation") else "<results>/{dataset}/{method}/seed{seed}/adapter"


def process_options():
    """What starts several processes of one training; nothing where one does."""
    count = CONFIG.resources.processes
    # the double dash keeps torchrun from reading the options of the script as its own
    return f"-m torch.distributed.run --standalone --nproc-per-node {count} --" if count > 1 else ""


def adapter_option(wildcards, input):
    """`--adapter`, for methods that have one."""
    return f"--adapter {input.adapter}" if input.adapter else ""


def dataset_options(wildcards, input):
    """`--images` and `--knowledge`, once a dataset."""
    return [f"--images {images} --knowledge {bank}" for images, bank in zip(input.images, input.knowledge)]


def notebook_code(wildcards):
    """The library files that a notebook imports."""
    return notebook_closure(wildcards.notebook)


def other_features(wildcards):
    """The feature files of other modalities, whose images are implausible under any label of this one."""
    own = CONFIG.datasets[wildcards.dataset].modality
    names = [name for name, dataset in CONFIG.datasets.items() if dataset.modality != own]
    return [f"{CONFIG.results}/{name}/features.safetensors" for name in names]


def other_options(wildcards, input):
    """`--others`, once for every other modality."""
    return [f"--others {path}" for path in input.others]
