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


rule find_neighbours:
    """Find the nearest training image of every generated and every real test image of one dataset."""
    input:
        settings="<results>/{dataset}/settings/find_neighbours.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/{file}",
            method=CONFIG.methods,
            seed=CONFIG.seeds,
            file=["images.parquet", "features.safetensors"],
        ),
        code=source_closure("find_neighbours"),
    output:
        neighbours="<results>/{dataset}/neighbours.parquet",
        membership="<results>/{dataset}/membership.parquet",
    log:
        "<logs>/find_neighbours/{dataset}.log",
    benchmark:
        "<benchmarks>/find_neighbours/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        folder=subpath(input.images, parent=True),
    shell:
        "python scripts/find_neighbours.py {input.settings} --images {input.images} --features {input.features}"
        " --folder {params.folder} --neighbours {output.neighbours} --membership {output.membership} > {log} 2>&1"


rule collect_tables:
    """Collect the scores and predictions of all datasets into the tables of the paper."""
    input:
        settings="<results>/tables/settings/collect_tables.yaml",
        scores=expand(rules.score_images.output, dataset=CONFIG.datasets),
        predictions=expand(rules.train_classifier.output, dataset=CONFIG.datasets),
        neighbours=expand(rules.find_neighbours.output, dataset=CONFIG.datasets),
        code=source_closure("collect_tables"),
    output:
        cas="<results>/tables/cas.csv",
        tail="<results>/tables/tail.csv",
        downstream="<results>/tables/downstream.csv",
        memorization="<results>/tables/memorization.csv",
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
        " --tail {output.tail} --downstream {output.downstream} --memorization {output.memorization} > {log} 2>&1"
