rule render_notebook:
    """Execute one notebook on the results that it reads, and keep it with its figure."""
    input:
        notebook="notebooks/{notebook}.ipynb",
        run="<results>/tables/settings/collect_tables.yaml",
        results=notebook_results,
        code=notebook_code,
        # before every kernel of the machine: the Python of the pipeline; papermill keeps no history file
        kernel="envs/jupyter/kernels/python3/kernel.json",
    output:
        notebook="<results>/notebooks/{notebook}.ipynb",
        png=report(
            "<results>/figures/{notebook}.png",
            caption="captions/figure.rst",
            category="Figures",
            labels={"figure": "{notebook}"},
        ),
        others=multiext("<results>/figures/{notebook}", ".pdf", ".svg"),
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
        text=notebook_text,
        kernels=subpath(input.kernel, ancestor=3),
    shell:
        "JUPYTER_PATH={params.kernels:q} papermill {input.notebook:q} {output.notebook:q} --kernel python3 --no-progress-bar --log-output"
        " -p results {params.results:q} -p figures {params.results:q}/figures -p notice {params.notice:q} > {log:q} 2>&1"


rule write_checklist:
    """Fill in the reporting checklist from settings and tables, and say what they do not answer."""
    input:
        settings="<results>/tables/settings/write_checklist.yaml",
        tables=rules.collect_tables.output,
        counts=expand("<results>/{dataset}/counts.csv", dataset=CONFIG.datasets),
        left_out=expand("<results>/{dataset}/left_out.csv", dataset=CONFIG.datasets),
        code=code_of("write_checklist", "tables/settings/write_checklist.yaml"),
    output:
        checklist=report(
            "<results>/paper/checklist.md",
            caption="captions/checklist.rst",
            category="Paper",
            labels={"file": "checklist.md"},
        ),
    log:
        "<logs>/write_checklist.log",
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=10,
    params:
        results=subpath(output.checklist, ancestor=2),
    shell:
        "python scripts/write_checklist.py {input.settings:q} --results {params.results:q} --output {output.checklist:q}"
        " > {log:q} 2>&1"


rule compile_paper:
    """Typeset the paper from its source, the tables, the figures and what was recorded of every training."""
    input:
        run="<results>/tables/settings/collect_tables.yaml",
        tables=rules.collect_tables.output,
        figures=expand("<results>/figures/{notebook}.png", notebook=NOTEBOOKS),
        settings=training_settings(),
        histories=of_trainings("history.parquet"),
        counts=expand("<results>/{dataset}/counts.csv", dataset=CONFIG.datasets),
        study=study_analysis(),
        notebooks=expand("notebooks/{notebook}.ipynb", notebook=NOTEBOOKS),
        paper=sorted(map(str, Path("paper").iterdir())),
        code=code_of("compile_paper", "tables/settings/collect_tables.yaml"),
    output:
        paper=report(
            "<results>/paper/paper.pdf", caption="captions/paper.rst", category="Paper", labels={"file": "paper.pdf"}
        ),
        claims="<results>/paper/claims.json",
    log:
        "<logs>/compile_paper.log",
    conda:
        "../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=2_000,
        runtime=10,
    params:
        tables=repeated("--tables", "tables"),
        figures=repeated("--figures", "figures"),
        settings=repeated("--settings", "settings"),
        histories=repeated("--histories", "histories"),
        counts=repeated("--counts", "counts"),
        study=repeated("--study", "study"),
        notice=CONFIG.notice,
    shell:
        "python scripts/compile_paper.py --run {input.run:q} {params.tables} {params.figures} {params.settings}"
        " {params.histories} {params.counts} {params.study} --notice {params.notice:q} --output {output.paper:q} --claims {output.claims:q} > {log:q} 2>&1"
