rule make_study:
    """Lay pairs of images of two methods before physicians, blinded: one page, and the key that no reader sees."""
    input:
        settings="<results>/reader_study/settings/make_study.yaml",
        images=study_images(),
        knowledge=study_knowledge(),
        templates=sorted(map(str, Path("src/craft/evaluation/reader_study/templates").iterdir())),
        code=code_of("make_study", "reader_study/settings/make_study.yaml"),
    output:
        page="<results>/reader_study/index.html",
        key="<results>/reader_study/key.json",
    log:
        "<logs>/make_study.log",
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=30,
    params:
        images=repeated("--images", "images"),
        knowledge=repeated("--knowledge", "knowledge"),
    shell:
        "python scripts/make_study.py {input.settings:q} {params.images} {params.knowledge}"
        " --page {output.page:q} --key {output.key:q} > {log:q} 2>&1"
