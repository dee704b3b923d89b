rule encode_images:
    """Encode the images of one dataset once: features of every model; with a foundation, latents and decoded test images."""
    input:
        settings="<results>/{dataset}/settings/encode_images.yaml",
        images="<results>/{dataset}/images.parquet",
        knowledge="<results>/{dataset}/knowledge.yaml",
        foundation=model_files("foundation"),
        evaluators=evaluator_files(),
        code=code_of("encode_images", "{dataset}/settings/encode_images.yaml"),
    output:
        features="<results>/{dataset}/features.safetensors",
        latents=with_foundation("latents.safetensors"),
        decoded=with_foundation("decoded/seed0/images.parquet"),
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
    params:
        latents=repeated("--latents", "latents"),
        decoded=repeated("--decoded", "decoded"),
    shell:
        "python scripts/encode_images.py {input.settings:q} --images {input.images:q} --knowledge {input.knowledge:q}"
        " --features {output.features:q} {params.latents} {params.decoded} > {log:q} 2>&1"


rule calibrate_cas:
    """Calibrate the dimensions of the clinical alignment score on real calibration images."""
    input:
        settings="<results>/{dataset}/settings/calibrate_cas.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        others=other_features,
        code=code_of("calibrate_cas", "{dataset}/settings/calibrate_cas.yaml"),
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
        others=repeated("--others", "others"),
    shell:
        "python scripts/calibrate_cas.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " --knowledge {input.knowledge:q} {params.others} --output {output.calibration:q} > {log:q} 2>&1"


rule score_images:
    """Score the real test images, as they are and decoded, and the images of every method and seed of one dataset."""
    input:
        settings="<results>/{dataset}/settings/score_images.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        generated=of_measured("images.parquet"),
        evaluators=evaluator_files(),
        classifier=model_files("phantom_classifier"),
        code=code_of("score_images", "{dataset}/settings/score_images.yaml"),
    output:
        real="<results>/{dataset}/real/seed0/scores.parquet",
        scores=of_measured("scores.parquet"),
        embeddings=of_measured("features.safetensors"),
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
        generated=repeated("--generated", "generated"),
        scores=repeated("--scores", "scores"),
        embeddings=repeated("--embeddings", "embeddings"),
    shell:
        "python scripts/score_images.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " --knowledge {input.knowledge:q} --calibration {input.calibration:q} {params.generated} --real {output.real:q}"
        " {params.scores} {params.embeddings} > {log:q} 2>&1"
