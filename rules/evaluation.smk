rule train_classifier:
    """Train and test label classifiers on real, synthetic and mixed images of one dataset."""
    input:
        settings="<results>/{dataset}/settings/train_classifier.yaml",
        images="<results>/{dataset}/images.parquet",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/images.parquet",
            method=CONFIG.downstream.methods or CONFIG.methods,
            seed=CONFIG.seeds,
        ),
        code=source_closure("train_classifier"),
    output:
        predictions="<results>/{dataset}/downstream.parquet",
    log:
        "<logs>/train_classifier/{dataset}.log",
    benchmark:
        "<benchmarks>/train_classifier/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        folder=subpath(input.images, parent=True),
    shell:
        "python scripts/train_classifier.py {input.settings} --images {input.images} --folder {params.folder}"
        " --predictions {output.predictions} > {log} 2>&1"


rule measure_fidelity:
    """Compare the generated images of one dataset with its real test images on image features."""
    input:
        settings="<results>/{dataset}/settings/measure_fidelity.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/images.parquet", method=CONFIG.methods, seed=CONFIG.seeds
        ),
        evaluators=[model_files(f"evaluator-{name}") for name in CONFIG.fidelity_evaluators()],
        code=source_closure("measure_fidelity"),
    output:
        fidelity="<results>/{dataset}/fidelity.parquet",
    log:
        "<logs>/measure_fidelity/{dataset}.log",
    benchmark:
        "<benchmarks>/measure_fidelity/{dataset}.jsonl"
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
        "python scripts/measure_fidelity.py {input.settings} --images {input.images} --features {input.features}"
        " --folder {params.folder} --output {output.fidelity} > {log} 2>&1"


rule collect_tables:
    """Collect what was measured on all datasets into the tables of the paper."""
    input:
        settings="<results>/tables/settings/collect_tables.yaml",
        scores=expand(rules.score_images.output, dataset=CONFIG.datasets),
        predictions=expand(rules.train_classifier.output, dataset=CONFIG.datasets),
        fidelity=expand(rules.measure_fidelity.output, dataset=CONFIG.datasets),
        code=source_closure("collect_tables"),
    output:
        cas="<results>/tables/cas.csv",
        tail="<results>/tables/tail.csv",
        reduction="<results>/tables/tail_reduction.csv",
        comparisons="<results>/tables/comparisons.csv",
        agreement="<results>/tables/agreement.csv",
        fidelity="<results>/tables/fidelity.csv",
        downstream="<results>/tables/downstream.csv",
    log:
        "<logs>/collect_tables.log",
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=30,
    params:
        results=subpath(output.cas, ancestor=2),
    shell:
        "python scripts/collect_tables.py {input.settings} --results {params.results} --cas {output.cas}"
        " --tail {output.tail} --reduction {output.reduction} --comparisons {output.comparisons}"
        " --agreement {output.agreement} --fidelity {output.fidelity} --downstream {output.downstream} > {log} 2>&1"
