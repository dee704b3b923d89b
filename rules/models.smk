rule train_foundation:
    """Train the small foundation on the training images of all datasets, from scratch or from another foundation."""
    input:
        settings="<results>/models/settings/foundation.yaml",
        start=foundation_to_start_from(),
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        code=code_of("train_foundation", "models/settings/foundation.yaml"),
    output:
        foundation=directory("<results>/models/foundation"),
    log:
        "<logs>/train_foundation.log",
    benchmark:
        "<benchmarks>/train_foundation.jsonl"
    priority: 1
    conda:
        "../envs/diffusion.yaml"
    threads: max(2, CONFIG.resources.processes)
    resources:
        gpu=CONFIG.resources.processes,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        images=repeated("--images", "images"),
        knowledge=repeated("--knowledge", "knowledge"),
        processes=process_options(),
    shell:
        "python {params.processes} scripts/train_foundation.py {input.settings:q} {params.images} {params.knowledge} --output {output.foundation:q} > {log:q} 2>&1"


rule find_signs:
    """Find which checklist items are true of which image that trains or tests an evaluator, for one dataset."""
    input:
        settings="<results>/{dataset}/settings/find_signs.yaml",
        images="<results>/{dataset}/images.parquet",
        knowledge="<results>/{dataset}/knowledge.yaml",
        code=code_of("find_signs", "{dataset}/settings/find_signs.yaml"),
    output:
        signs="<results>/{dataset}/signs.parquet",
    log:
        "<logs>/find_signs/{dataset}.log",
    benchmark:
        "<benchmarks>/find_signs/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    shell:
        "python scripts/find_signs.py {input.settings:q} --images {input.images:q} --knowledge {input.knowledge:q}"
        " --output {output.signs:q} > {log:q} 2>&1"


rule train_evaluator:
    """Train one small image-text evaluator from scratch."""
    input:
        settings="<results>/models/settings/evaluator-{evaluator}.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        signs=expand("<results>/{dataset}/signs.parquet", dataset=CONFIG.datasets),
        code=code_of("train_evaluator", "models/settings/evaluator-{evaluator}.yaml"),
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
        images=repeated("--images", "images"),
        knowledge=repeated("--knowledge", "knowledge"),
        signs=repeated("--signs", "signs"),
    shell:
        "python scripts/train_evaluator.py {input.settings:q} {params.images} {params.knowledge} {params.signs}"
        " --output {output.evaluator:q} > {log:q} 2>&1"


rule train_encoder:
    """Train one small vision-only encoder from scratch."""
    input:
        settings="<results>/models/settings/encoder-{encoder}.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        code=code_of("train_encoder", "models/settings/encoder-{encoder}.yaml"),
    output:
        encoder=directory("<results>/models/encoder-{encoder}"),
    log:
        "<logs>/train_encoder/{encoder}.log",
    benchmark:
        "<benchmarks>/train_encoder/{encoder}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        images=repeated("--images", "images"),
        knowledge=repeated("--knowledge", "knowledge"),
    shell:
        "python scripts/train_encoder.py {input.settings:q} {params.images} {params.knowledge} --output {output.encoder:q} > {log:q} 2>&1"


rule train_phantom_classifier:
    """Train the classifier of phantoms, on phantoms that nothing else saw."""
    input:
        settings="<results>/models/settings/phantom_classifier.yaml",
        code=code_of("train_phantom_classifier", "models/settings/phantom_classifier.yaml"),
    output:
        classifier=directory("<results>/models/phantom_classifier"),
    log:
        "<logs>/train_phantom_classifier.log",
    benchmark:
        "<benchmarks>/train_phantom_classifier.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    shell:
        "python scripts/train_phantom_classifier.py {input.settings:q} --output {output.classifier:q} > {log:q} 2>&1"


rule check_models:
    """Measure on unseen phantoms whether the foundation is good enough to be released, and show its samples."""
    input:
        settings="<results>/models/settings/check_models.yaml",
        images=expand("<results>/{dataset}/images.parquet", dataset=CONFIG.datasets),
        knowledge=expand("<results>/{dataset}/knowledge.yaml", dataset=CONFIG.datasets),
        foundation=model_files("foundation"),
        classifier=model_files("phantom_classifier"),
        code=code_of("check_models", "models/settings/check_models.yaml"),
    output:
        quality="<results>/models/quality.json",
        sheets=directory("<results>/models/sheets"),
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
        images=repeated("--images", "images"),
        knowledge=repeated("--knowledge", "knowledge"),
    shell:
        "python scripts/check_models.py {input.settings:q} {params.images} {params.knowledge} --output {output.quality:q}"
        " --sheets {output.sheets:q} > {log:q} 2>&1"
