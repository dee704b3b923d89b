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
    wildcard_constraints:
        method=any_of(sampled_methods()),
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
        "python scripts/generate_images.py {input.settings:q} --knowledge {input.knowledge:q} {params.adapter}"
        " {params.real} {params.features} {params.calibration} --images {output.images:q} --cost {output.cost:q} > {log:q} 2>&1"


rule read_images:
    """Read the images of one method that another program made."""
    input:
        settings="<results>/{dataset}/{method}/seed{seed}/settings/read_images.yaml",
        raw=raw_files("{dataset}/{method}/seed{seed}"),
        code=code_of("read_images", "{dataset}/{method}/seed{seed}/settings/read_images.yaml"),
    output:
        images="<results>/{dataset}/{method}/seed{seed}/images.parquet",
        quarantine="<results>/{dataset}/{method}/seed{seed}/quarantine.parquet",
        counts="<results>/{dataset}/{method}/seed{seed}/counts.parquet",
    log:
        "<logs>/read_images/{dataset}.{method}.seed{seed}.log",
    wildcard_constraints:
        method=any_of(CONFIG.given_methods()),
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=4_000,
        runtime=60,
    shell:
        "python scripts/read_images.py {input.settings:q} --images {output.images:q} --quarantine {output.quarantine:q}"
        " --counts {output.counts:q} > {log:q} 2>&1"
