rule prepare_images:
    """Read the labelled images of one dataset, bring them to one size and split them by patient."""
    input:
        settings="<results>/{dataset}/settings/prepare_images.yaml",
        raw=raw_files("{dataset}"),
        code=code_of("prepare_images", "{dataset}/settings/prepare_images.yaml"),
    output:
        images="<results>/{dataset}/images.parquet",
        quarantine="<results>/{dataset}/quarantine.parquet",
        left_out="<results>/{dataset}/left_out.csv",
        counts="<results>/{dataset}/counts.csv",
        twins="<results>/{dataset}/twins.csv",
        files="<results>/private/files.{dataset}.csv",
        report="<results>/{dataset}/preparation.txt",
    log:
        "<logs>/prepare_images/{dataset}.log",
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=4_000,
        runtime=60,
    shell:
        "python scripts/prepare_images.py {input.settings:q} --images {output.images:q} --quarantine {output.quarantine:q}"
        " --left-out {output.left_out:q} --counts {output.counts:q} --twins {output.twins:q} --files {output.files:q}"
        " --report {output.report:q} > {log:q} 2>&1"
