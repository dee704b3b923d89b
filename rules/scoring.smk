rule encode_images:
    """Encode the images of one dataset once: latents of the foundation, features of every evaluator."""
    input:
        settings="<results>/{dataset}/settings/encode_images.yaml",
        images="<results>/{dataset}/images.parquet",
        knowledge="<results>/{dataset}/knowledge.yaml",
        foundation=model_files("foundation"),
        evaluators=evaluator_files("reward", "monitor", "held_out"),
        code=source_closure("encode_images"),
    output:
        latents="<results>/{dataset}/latents.safetensors",
        features="<results>/{dataset}/features.safetensors",
    log:
        "<logs>/encode_images/{dataset}.log",
    benchmark:
        "<benchmarks>/encode_images/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    shell:
        "python scripts/encode_images.py {input.settings} --images {input.images} --knowledge {input.knowledge}"
        " --latents {output.latents} --features {output.features} > {log} 2>&1"


rule calibrate_cas:
    """Calibrate the dimensions of the clinical alignment score on real calibration images."""
    input:
        settings="<results>/{dataset}/settings/calibrate_cas.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        others=other_features,
        code=source_closure("calibrate_cas"),
    output:
        calibration="<results>/{dataset}/calibration.json",
    log:
        "<logs>/calibrate_cas/{dataset}.log",
    benchmark:
        "<benchmarks>/calibrate_cas/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        others=other_options,
    shell:
        "python scripts/calibrate_cas.py {input.settings} --images {input.images} --features {input.features}"
        " --knowledge {input.knowledge} {params.others} --output {output.calibration} > {log} 2>&1"


rule score_images:
    """Score the real test images and the images of every method and seed of one dataset."""
    input:
        settings="<results>/{dataset}/settings/score_images.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/images.parquet", method=CONFIG.methods, seed=CONFIG.seeds
        ),
        evaluators=evaluator_files("reward", "monitor", "held_out"),
        truth=truth_files(),
        code=source_closure("score_images"),
    output:
        real="<results>/{dataset}/real/seed0/scores.parquet",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/{file}",
            method=CONFIG.methods,
            seed=CONFIG.seeds,
            file=["scores.parquet", "features.safetensors"],
        ),
    log:
        "<logs>/score_images/{dataset}.log",
    benchmark:
        "<benchmarks>/score_images/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        folder=subpath(input.images, parent=True),
    shell:
        "python scripts/score_images.py {input.settings} --features {input.features} --images {input.images}"
        " --knowledge {input.knowledge} --calibration {input.calibration} --folder {params.folder} > {log} 2>&1"
