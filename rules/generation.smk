rule generate_images:
    """Generate the images of every method and seed of a dataset, the same number of every label."""
    input:
        settings=of_sampled("settings/generate_images.yaml", SAMPLED),
        knowledge="<results>/{dataset}/knowledge.yaml",
        adapters=for_each_set(SAMPLED, method_adapter),
        real=for_each_set(SAMPLED, for_selection("images.parquet")),
        features=for_each_set(SAMPLED, for_selection("features.safetensors")),
        calibration=for_each_set(SAMPLED, for_selection("calibration.json")),
        evaluators=for_each_set(SAMPLED, selecting_evaluators),
        foundation=model_files("foundation"),
        code=for_each_set(
            SAMPLED, code_of("generate_images", "{dataset}/{method}/seed{seed}/settings/generate_images.yaml")
        ),
    output:
        images=of_sampled("images.parquet", SAMPLED),
        cost=of_sampled("cost.parquet", SAMPLED),
    log:
        f"<logs>/generate_images/{SAMPLING}.log",
    benchmark:
        f"<benchmarks>/generate_images/{SAMPLING}.jsonl"
    wildcard_constraints:
        method=any_of(SAMPLED),
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=sampling_minutes(SAMPLED),
    params:
        real=repeated("--real", "real"),
        features=repeated("--features", "features"),
        calibration=repeated("--calibration", "calibration"),
        images=repeated("--images", "images"),
        cost=repeated("--cost", "cost"),
    shell:
        "python scripts/generate_images.py {input.settings:q} --knowledge {input.knowledge:q} {params.real} {params.features}"
        " {params.calibration} {params.images} {params.cost} > {log:q} 2>&1"


# what only an ablation samples never holds up the run's own images
if SAMPLED_VARIANTS:

    use rule generate_images as generate_variants with:
        input:
            settings=of_sampled("settings/generate_images.yaml", SAMPLED_VARIANTS),
            knowledge="<results>/{dataset}/knowledge.yaml",
            adapters=for_each_set(SAMPLED_VARIANTS, method_adapter),
            real=for_each_set(SAMPLED_VARIANTS, for_selection("images.parquet")),
            features=for_each_set(SAMPLED_VARIANTS, for_selection("features.safetensors")),
            calibration=for_each_set(SAMPLED_VARIANTS, for_selection("calibration.json")),
            evaluators=for_each_set(SAMPLED_VARIANTS, selecting_evaluators),
            foundation=model_files("foundation"),
            code=for_each_set(
                SAMPLED_VARIANTS,
                code_of("generate_images", "{dataset}/{method}/seed{seed}/settings/generate_images.yaml"),
            ),
        output:
            images=of_sampled("images.parquet", SAMPLED_VARIANTS),
            cost=of_sampled("cost.parquet", SAMPLED_VARIANTS),
        log:
            f"<logs>/generate_variants/{SAMPLING}.log",
        benchmark:
            f"<benchmarks>/generate_variants/{SAMPLING}.jsonl"
        wildcard_constraints:
            method=any_of(SAMPLED_VARIANTS),
        resources:
            gpu=1,
            mem_mb=CONFIG.resources.score_mem_mb,
            runtime=sampling_minutes(SAMPLED_VARIANTS),


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
