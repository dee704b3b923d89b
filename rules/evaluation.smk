rule train_classifier:
    """Train and test label classifiers on real, synthetic and mixed images of one dataset."""
    input:
        settings="<results>/{dataset}/settings/train_classifier.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        generated=of_sets("images.parquet", CONFIG.downstream.methods or None),
        embeddings=of_sets("features.safetensors", CONFIG.downstream.methods or None),
        code=code_of("train_classifier", "{dataset}/settings/train_classifier.yaml"),
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
        gpu=int(CONFIG.downstream.trains_networks),
        mem_mb=CONFIG.resources.train_mem_mb,
        runtime=CONFIG.resources.train_runtime,
    params:
        generated=repeated("--generated", "generated"),
        embeddings=repeated("--embeddings", "embeddings"),
    shell:
        "python scripts/train_classifier.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " {params.generated} {params.embeddings} --predictions {output.predictions:q} > {log:q} 2>&1"


rule measure_fidelity:
    """Compare the generated images of one dataset with its real test images on image features."""
    input:
        settings="<results>/{dataset}/settings/measure_fidelity.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        generated=of_measured("images.parquet"),
        embeddings=of_measured("features.safetensors"),
        code=code_of("measure_fidelity", "{dataset}/settings/measure_fidelity.yaml"),
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
        generated=repeated("--generated", "generated"),
        embeddings=repeated("--embeddings", "embeddings"),
    shell:
        "python scripts/measure_fidelity.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " {params.generated} {params.embeddings} --output {output.fidelity:q} > {log:q} 2>&1"


rule measure_biomarkers:
    """Measure the biomarkers of the real images of one dataset and of those of all methods and seeds."""
    input:
        settings="<results>/{dataset}/settings/measure_biomarkers.yaml",
        images="<results>/{dataset}/images.parquet",
        generated=of_measured("images.parquet"),
        code=code_of("measure_biomarkers", "{dataset}/settings/measure_biomarkers.yaml"),
    output:
        measures="<results>/{dataset}/biomarkers.parquet",
    log:
        "<logs>/measure_biomarkers/{dataset}.log",
    benchmark:
        "<benchmarks>/measure_biomarkers/{dataset}.jsonl"
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        generated=repeated("--generated", "generated"),
    shell:
        "python scripts/measure_biomarkers.py {input.settings:q} --images {input.images:q} {params.generated}"
        " --output {output.measures:q} > {log:q} 2>&1"


rule audit_checklist:
    """Answer the checklist items of the images of one dataset: real test images, and those of all methods and seeds."""
    input:
        settings="<results>/{dataset}/settings/audit_checklist.yaml",
        images="<results>/{dataset}/images.parquet",
        knowledge="<results>/{dataset}/knowledge.yaml",
        measures="<results>/{dataset}/biomarkers.parquet",
        generated=of_measured("images.parquet"),
        code=code_of("audit_checklist", "{dataset}/settings/audit_checklist.yaml"),
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
        generated=repeated("--generated", "generated"),
    shell:
        "python scripts/audit_checklist.py {input.settings:q} --images {input.images:q} --knowledge {input.knowledge:q}"
        " {params.generated} --measures {input.measures:q} --audit {output.audit:q} --criteria {output.criteria:q} > {log:q} 2>&1"


rule find_neighbours:
    """Find the nearest real image that the run saw of every generated and every real test image of one dataset."""
    input:
        settings="<results>/{dataset}/settings/find_neighbours.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        twins="<results>/{dataset}/twins.csv",
        generated=of_sets("images.parquet"),
        embeddings=of_sets("features.safetensors"),
        code=code_of("find_neighbours", "{dataset}/settings/find_neighbours.yaml"),
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
        generated=repeated("--generated", "generated"),
        embeddings=repeated("--embeddings", "embeddings"),
    shell:
        "python scripts/find_neighbours.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " --twins {input.twins:q} {params.generated} {params.embeddings} --neighbours {output.neighbours:q} --membership {output.membership:q}"
        " > {log:q} 2>&1"


rule check_validity:
    """Study whether CAS is a faithful proxy on one dataset."""
    input:
        settings="<results>/{dataset}/settings/check_validity.yaml",
        images="<results>/{dataset}/images.parquet",
        features="<results>/{dataset}/features.safetensors",
        knowledge="<results>/{dataset}/knowledge.yaml",
        calibration="<results>/{dataset}/calibration.json",
        real=rules.score_images.output.real,
        scores=of_sets("scores.parquet"),
        checks=of_sets("checks.parquet", rewarded_methods()),
        others=other_features,
        evaluators=evaluator_files(),
        classifier=model_files("phantom_classifier"),
        code=code_of("check_validity", "{dataset}/settings/check_validity.yaml"),
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
        scores=repeated("--scores", "scores"),
        checks=repeated("--checks", "checks"),
        others=repeated("--others", "others"),
    shell:
        "python scripts/check_validity.py {input.settings:q} --images {input.images:q} --features {input.features:q}"
        " --knowledge {input.knowledge:q} --calibration {input.calibration:q} --real-scores {input.real:q} {params.scores}"
        " {params.checks} {params.others} --output {output.validity:q} > {log:q} 2>&1"


rule collect_tables:
    """Collect what was measured on all datasets into the tables of the paper."""
    input:
        settings="<results>/tables/settings/collect_tables.yaml",
        results=table_results(),
        code=code_of("collect_tables", "tables/settings/collect_tables.yaml"),
    output:
        [
            report(
                f"<results>/tables/{name}.csv",
                caption="captions/table.rst",
                category="Tables",
                labels={"table": name, "what it holds": table.title},
            )
            for name, table in TABLES.items()
        ],
    log:
        "<logs>/collect_tables.log",
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=30,
    params:
        results=subpath(output[0], ancestor=2),
        tables=subpath(output[0], parent=True),
    shell:
        "python scripts/collect_tables.py {input.settings:q} --results {params.results:q} --tables {params.tables:q}"
        " > {log:q} 2>&1"
