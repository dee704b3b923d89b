rule render_notebook:
    """Execute one notebook on the results and keep it with its figures."""
    input:
        notebook="notebooks/{notebook}.ipynb",
        tables=rules.collect_tables.output,
        scores=expand(rules.score_images.output, dataset=CONFIG.datasets),
        neighbours=expand(rules.find_neighbours.output.neighbours, dataset=CONFIG.datasets),
        images=expand(rules.prepare_images.output.images, dataset=CONFIG.datasets),
        generated=expand(
            rules.generate_images.output, dataset=CONFIG.datasets, method=CONFIG.methods, seed=CONFIG.seeds
        ),
        histories=expand(
            "<results>/{dataset}/{method}/seed{seed}/history.parquet",
            dataset=CONFIG.datasets,
            method=methods_of("supervised", "reward"),
            seed=CONFIG.seeds,
        ),
        code=notebook_code,
    output:
        notebook="<results>/notebooks/{notebook}.ipynb",
        figures=multiext("<results>/figures/{notebook}", ".png", ".pdf"),
    log:
        "<logs>/render_notebook/{notebook}.log",
    conda:
        "../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=4_000,
        runtime=30,
    params:
        results=subpath(output.notebook, ancestor=2),
        notice=CONFIG.notice,
    shell:
        "papermill {input.notebook} {output.notebook} --kernel python3 --no-progress-bar --log-output"
        " -p results {params.results} -p figures {params.results}/figures -p notice {params.notice:q} > {log} 2>&1"


rule compile_paper:
    """Typeset the paper from its source, the tables and the figures."""
    input:
        paper=sorted(map(str, Path("paper").iterdir())),
        tables=rules.collect_tables.output,
        notebooks=expand(rules.render_notebook.output, notebook=NOTEBOOKS),
        code=source_closure("compile_paper"),
    output:
        paper="<results>/paper/paper.pdf",
    log:
        "<logs>/compile_paper.log",
    conda:
        "../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=10,
    params:
        results=subpath(output.paper, ancestor=2),
        notice=CONFIG.notice,
    shell:
        "python scripts/compile_paper.py --results {params.results} --output {output.paper}"
        " --notice {params.notice:q} > {log} 2>&1"
