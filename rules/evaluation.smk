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
            "<results>/{{dataset}}/{method}/seed{seed}/{file}",
            method=CONFIG.methods,
            seed=CONFIG.seeds,
            file=["images.parquet", "features.safetensors"],
        ),
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
        gpu=1 if CONFIG.fidelity.inception else 0,
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        folder=subpath(input.images, parent=True),
    shell:
        "python scripts/measure_fidelity.py {input.settings} --images {input.images} --features {input.features}"
        " --folder {params.folder} --output {output.fidelity} > {log} 2>&1"


rule audit_checklist:
    """Answer the checklist items of the images of one dataset: real test images, and those of all methods and seeds."""
    input:
        settings="<results>/{dataset}/settings/audit_checklist.yaml",
        images="<results>/{dataset}/images.parquet",
        knowledge="<results>/{dataset}/knowledge.yaml",
        generated=expand(
            "<results>/{{dataset}}/{method}/seed{seed}/images.parquet", method=CONFIG.methods, seed=CONFIG.seeds
        ),
        code=source_closure("audit_checklist"),
    output:
        audit="<results>/{dataset}/audit.parquet",
        criteria="<results>/{dataset}/audit_criteria.csv",
    log:
        "<logs>/audit_checklist/{dataset}.log",
    benchmark:
        "<benchmarks>/audit_checklist/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=audit_gpus(),
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        folder=subpath(input.images, parent=True),
    shell:
        "python scripts/audit_checklist.py {input.settings} --images {input.images} --knowledge {input.knowledge}"
        " --folder {params.folder} --audit {output.audit} --criteria {output.criteria} > {log} 2>&1"


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
    """Collect what was measured on all datasets into the tables of the paper."""
    input:
        settings="<results>/tables/settings/collect_tables.yaml",
        scores=expand(rules.score_images.output, dataset=CONFIG.datasets),
        predictions=expand(rules.train_classifier.output, dataset=CONFIG.datasets),
        fidelity=expand(rules.measure_fidelity.output, dataset=CONFIG.datasets),
        audits=expand(rules.audit_checklist.output.audit, dataset=CONFIG.datasets),
        neighbours=expand(rules.find_neighbours.output, dataset=CONFIG.datasets),
        validity=expand(rules.check_validity.output, dataset=CONFIG.datasets),
        code=source_closure("collect_tables"),
    output:
        cas="<results>/tables/cas.csv",
        tail="<results>/tables/tail.csv",
        tail_reduction="<results>/tables/tail_reduction.csv",
        comparisons="<results>/tables/comparisons.csv",
        agreement="<results>/tables/agreement.csv",
        fidelity="<results>/tables/fidelity.csv",
        downstream="<results>/tables/downstream.csv",
        audit="<results>/tables/audit.csv",
        memorization="<results>/tables/memorization.csv",
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
        tables=subpath(output.cas, parent=True),
    shell:
        "python scripts/collect_tables.py {input.settings} --results {params.results} --tables {params.tables}"
        " > {log} 2>&1"
