rule score_ablations:
    """Score the images of every variant of the ablated method and seed of one dataset."""
    input:
        settings="<results>/{dataset}/settings/score_ablations.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        generated=of_sets("images.parquet", VARIANTS),
        evaluators=evaluator_files(),
        classifier=model_files("phantom_classifier"),
        code=code_of("score_images", "{dataset}/settings/score_ablations.yaml"),
    output:
        # the script always scores real images too; those of the run are in another file
        real=temp("<results>/{dataset}/real/seed0/scores_beside_ablations.parquet"),
        scores=of_sets("scores.parquet", VARIANTS),
        embeddings=of_sets("features.safetensors", VARIANTS),
    log:
        "<logs>/score_ablations/{dataset}.log",
    benchmark:
        "<benchmarks>/score_ablations/{dataset}.jsonl"
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


rule collect_ablations:
    """Compare every variant of the ablated method with the method as it is."""
    input:
        settings="<results>/tables/settings/collect_ablations.yaml",
        results=ablation_results,
        code=code_of("collect_ablations", "tables/settings/collect_ablations.yaml"),
    output:
        table=report(
            "<results>/tables/ablation.csv",
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "ablation", "what it holds": "every variant of a method beside it as it is"},
        ),
    log:
        "<logs>/collect_ablations.log",
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=30,
    params:
        results=subpath(output.table, ancestor=2),
    shell:
        "python scripts/collect_ablations.py {input.settings:q} --results {params.results:q} --output {output.table:q} > {log:q} 2>&1"
