rule make_gallery:
    """Make the page on which every image of the run is looked at beside its scores."""
    input:
        settings="<results>/tables/settings/make_gallery.yaml",
        results=gallery_results,
        page=sorted(map(str, Path("src/craft/evaluation/gallery/page").iterdir())),
        code=code_of("make_gallery", "tables/settings/make_gallery.yaml"),
    output:
        gallery=directory("<results>/gallery"),
    log:
        "<logs>/make_gallery.log",
    conda:
        "../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.score_mem_mb,
        runtime=CONFIG.resources.score_runtime,
    params:
        results=subpath(output.gallery, parent=True),
    shell:
        "python scripts/make_gallery.py {input.settings:q} --results {params.results:q} --output {output.gallery:q}"
        " > {log:q} 2>&1"
