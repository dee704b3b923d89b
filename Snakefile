import os
from pathlib import Path

from snakemake.utils import min_version

min_version("9.19")


# from wherever it is called with `-s`, it runs as it does in its own folder
workdir: workflow.basedir


# a configuration given with --configfile is complete: Snakemake would merge the default's datasets and methods into it
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"


pathvars:
    results=CONFIG.results,
    logs=f"{CONFIG.results}/logs",
    benchmarks=f"{CONFIG.results}/benchmarks",


wildcard_constraints:
    dataset=any_of(CONFIG.datasets),
    method=any_of(METHODS),
    seed=any_of(CONFIG.seeds),
    evaluator=any_of(CONFIG.evaluators),


include: "rules/prepare_data.smk"
include: "rules/knowledge.smk"
include: "rules/models.smk"
include: "rules/scoring.smk"
include: "rules/training.smk"
include: "rules/generation.smk"
include: "rules/evaluation.smk"
include: "rules/ablations.smk"
include: "rules/study.smk"
include: "rules/gallery.smk"
include: "rules/paper.smk"


localrules:
    all,
    ablations,
    figures,
    gallery,
    models,
    prepare,
    study,
    tables,
    compile_paper,
    write_checklist,


# unless a local model needs a GPU for it, and so a place in the queue
if not knowledge_gpus():

    localrules:
        write_knowledge,


rule all:
    """The paper, its checklist, every table and figure it shows, and the gallery of all images."""
    default_target: True
    input:
        rules.compile_paper.output,
        rules.write_checklist.output,
        rules.collect_tables.output,
        rules.make_gallery.output,
        expand(rules.render_notebook.output, notebook=NOTEBOOKS),


rule figures:
    """Every figure, with the notebook that drew it."""
    input:
        expand(rules.render_notebook.output, notebook=NOTEBOOKS),


rule prepare:
    """The images of every dataset, and what became of the data in words (`preparation.txt`)."""
    input:
        expand(rules.prepare_images.output.images, dataset=CONFIG.datasets),
        expand(rules.prepare_images.output.report, dataset=CONFIG.datasets),


rule models:
    """Every model that this configuration trains from scratch, and how good they are."""
    input:
        [model_files(name) for name in sorted(TRAINED_MODELS)],
        checked_models(),


rule tables:
    """Every table of the paper."""
    input:
        rules.collect_tables.output,


rule gallery:
    """The page on which every image of the run is looked at beside its scores."""
    input:
        rules.make_gallery.output,


rule ablations:
    """How every variant of a method compares with it as it is: a table and a figure."""
    input:
        ablation_files,


rule study:
    """The blinded reader study: a page for physicians, and the key to it."""
    input:
        study_files,


# what a run says of a job, unless it is asked for commands and files with -p: its rule, which dataset, method and seed it
# is about, and the docstring
if not workflow.output_settings.printshellcmds:
    for each in workflow.rules:
        place = ", ".join(f"{{wildcards.{name}}}" for name in sorted(each.wildcard_names))
        each.message = f"{each.name}{f' ({place})' if place else ''}: {each.docstring}"
