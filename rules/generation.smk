rule generate_images:
    """Generate the images of one method and seed, the same number of every label."""
    input:
        settings="<results>/{dataset}/{method}/seed{seed}/settings/generate_images.yaml",
        knowledge="<results>/{dataset}/knowledge.yaml",
        adapter=method_adapter,
        foundation=model_files("foundation"),
        code=code_of("generate_images", "{dataset}/{method}/seed{seed}/settings/generate_images.yaml"),
    output:
        images="<results>/{dataset}/{method}/seed{seed}/images.parquet",
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
    shell:
        "python scripts/generate_images.py {input.settings} --knowledge {input.knowledge} {params.adapter}"
        " --images {output.images} > {log} 2>&1"
