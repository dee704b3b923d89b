rule train_adapter:
    """Train the adapter of one method and seed on real training images, from the foundation or from another method's."""
    input:
        settings="<results>/{dataset}/{method}/seed{seed}/settings/train_adapter.yaml",
        images="<results>/{dataset}/images.parquet",
        latents="<results>/{dataset}/latents.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        start=starting_adapter,
        foundation=model_files("foundation"),
        code=code_of("train_adapter", "{dataset}/{method}/seed{seed}/settings/train_adapter.yaml"),
    output:
        adapter=directory("<results>/{dataset}/{method}/seed{seed}/adapter"),
        history="<results>/{dataset}/{method}/seed{seed}/history.parquet",
    log:
        "<logs>/train_adapter/{dataset}.{method}.seed{seed}.log",
    benchmark:
        "<benchmarks>/train_adapter/{dataset}.{method}.seed{seed}.jsonl"
    wildcard_constraints:
        method=any_of(methods_by("train_adapter")),
    conda:
        "../envs/diffusion.yaml"
    threads: CONFIG.resources.processes
    resources:
        gpu=CONFIG.resources.processes,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        processes=process_options(),
        start=optional("--start", "start"),
    shell:
        "python {params.processes} scripts/train_adapter.py {input.settings:q} --images {input.images:q} --latents {input.latents:q}"
        " --knowledge {input.knowledge:q} {params.start} --adapter {output.adapter:q} --history {output.history:q} > {log:q} 2>&1"


rule finetune_reward:
    """Train an adapter on what the reward evaluator says, for one dataset, method and seed."""
    input:
        settings="<results>/{dataset}/{method}/seed{seed}/settings/finetune_reward.yaml",
        images="<results>/{dataset}/images.parquet",
        latents="<results>/{dataset}/latents.safetensors",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        start=starting_adapter,
        foundation=model_files("foundation"),
        evaluators=method_evaluators,
        code=code_of("finetune_reward", "{dataset}/{method}/seed{seed}/settings/finetune_reward.yaml"),
    output:
        adapter=directory("<results>/{dataset}/{method}/seed{seed}/adapter"),
        history="<results>/{dataset}/{method}/seed{seed}/history.parquet",
        preview="<results>/{dataset}/{method}/seed{seed}/preview.png",
        checks="<results>/{dataset}/{method}/seed{seed}/checks.parquet",
    log:
        "<logs>/finetune_reward/{dataset}.{method}.seed{seed}.log",
    benchmark:
        "<benchmarks>/finetune_reward/{dataset}.{method}.seed{seed}.jsonl"
    wildcard_constraints:
        method=any_of(methods_by("finetune_reward")),
    conda:
        "../envs/diffusion.yaml"
    threads: CONFIG.resources.processes
    resources:
        gpu=CONFIG.resources.processes,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        processes=process_options(),
        start=optional("--start", "start"),
    shell:
        "python {params.processes} scripts/finetune_reward.py {input.settings:q} --images {input.images:q} --latents {input.latents:q}"
        " --features {input.features:q} --knowledge {input.knowledge:q} --calibration {input.calibration:q}"
        " {params.start} --adapter {output.adapter:q} --history {output.history:q} --preview {output.preview:q}"
        " --checks {output.checks:q} > {log:q} 2>&1"
