rule train_foundation:
    """Train the small foundation from nothing on the training images of all datasets."""
    input:
        settings="<results>/models/settings/foundation.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        code=source_closure("train_foundation"),
    output:
        foundation=directory("<results>/models/foundation"),
    log:
        "<logs>/train_foundation.log",
    benchmark:
        "<benchmarks>/train_foundation.jsonl"
    priority: 1
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        datasets=dataset_options,
    shell:
        "python scripts/train_foundation.py {input.settings} {params.datasets} --output {output.foundation} > {log} 2>&1"


rule train_evaluator:
    """Train one small image-text evaluator from nothing."""
    input:
        settings="<results>/models/settings/evaluator-{evaluator}.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        code=source_closure("train_evaluator"),
    output:
        evaluator=directory("<results>/models/evaluator-{evaluator}"),
    log:
        "<logs>/train_evaluator/{evaluator}.log",
    benchmark:
        "<benchmarks>/train_evaluator/{evaluator}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        datasets=dataset_options,
    shell:
        "python scripts/train_evaluator.py {input.settings} {params.datasets} --output {output.evaluator} > {log} 2>&1"


rule train_truth:
    """Train the classifier that judges phantoms by their drawn truth, on phantoms that nothing else saw."""
    input:
        settings="<results>/models/settings/truth.yaml",
        code=source_closure("train_truth"),
    output:
        truth=directory("<results>/models/truth"),
    log:
        "<logs>/train_truth.log",
    benchmark:
        "<benchmarks>/train_truth.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    shell:
        "python scripts/train_truth.py {input.settings} --output {output.truth} > {log} 2>&1"


rule check_models:
    """Measure on unseen phantoms whether the trained models are good enough to be released."""
    input:
        settings="<results>/models/settings/check_models.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        foundation=model_files("foundation"),
        truth=truth_files(),
        code=source_closure("check_models"),
    output:
        quality="<results>/models/quality.json",
    log:
        "<logs>/check_models.log",
    benchmark:
        "<benchmarks>/check_models.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        datasets=dataset_options,
    shell:
        "python scripts/check_models.py {input.settings} {params.datasets} --output {output.quality} > {log} 2>&1"
