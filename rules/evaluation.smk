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


rule check_validity:
    """Study whether CAS is a faithful proxy on one dataset."""
    input:
        settings="<results>/{dataset}/settings/check_validity.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        scores=rules.score_images.output,
        checks=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/checks.parquet", method=methods_of("reward"), seed=CONFIG.seeds
        ),
        evaluators=evaluator_files("reward", "monitor", "held_out"),
        truth=truth_files(),
        code=source_closure("check_validity"),
    output:
        validity="<results>/{dataset}/validity.parquet",
    log:
        "<logs>/check_validity/{dataset}.log",
    benchmark:
        "<benchmarks>/check_validity/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        results=subpath(input.images, ancestor=2),
    shell:
        "python scripts/check_validity.py {input.settings} --images {input.images} --features {input.features}"
        " --knowledge {input.knowledge} --calibration {input.calibration} --results {params.results}"
        " --output {output.validity} > {log} 2>&1"


rule collect_tables:
    """Collect the scores and predictions of all datasets into the tables of the paper."""
    input:
        settings="<results>/tables/settings/collect_tables.yaml",
        scores=expand(rules.score_images.output, dataset=CONFIG.datasets),
        predictions=expand(rules.train_classifier.output, dataset=CONFIG.datasets),
        validity=expand(rules.check_validity.output, dataset=CONFIG.datasets),
        code=source_closure("collect_tables"),
    output:
        cas="<results>/tables/cas.csv",
        tail="<results>/tables/tail.csv",
        downstream="<results>/tables/downstream.csv",
        validity="<results>/tables/validity.csv",
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
        " --tail {output.tail} --downstream {output.downstream} --validity {output.validity} > {log} 2>&1"
