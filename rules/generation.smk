rule generate_images:
    """Generate the images of one method and seed, the same number of every label."""
    input:
        settings="<results>/{dataset}/{method}/seed{seed}/settings/generate_images.yaml",
        knowledge="<results>/{dataset}/knowledge.yaml",
        adapter=method_adapter,
        real=for_selection("images.parquet"),
        features=for_selection("features.safetensors"),
        calibration=for_selection("calibration.json"),
        evaluators=selecting_evaluators,
        foundation=model_files("foundation"),
        code=code_of("generate_images", "{dataset}/{method}/seed{seed}/settings/generate_images.yaml"),
    output:
        images="<results>/{dataset}/{method}/seed{seed}/images.parquet",
        cost="<results>/{dataset}/{method}/seed{seed}/cost.parquet",
    log:
        "<logs>/generate_images/{dataset}.{method}.seed{seed}.log",
    benchmark:
        "<benchmarks>/generate_images/{dataset}.{method}.seed{seed}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        adapter=optional("--adapter", "adapter"),
        real=optional("--real", "real"),
        features=optional("--features", "features"),
        calibration=optional("--calibration", "calibration"),
    shell:
        "python scripts/generate_images.py {input.settings} --knowledge {input.knowledge} {params.adapter}"
        " {params.real} {params.features} {params.calibration} --images {output.images} --cost {output.cost} > {log} 2>&1"
