rule write_knowledge:
    """Write the enriched prompts and the checklist of one dataset's labels."""
    input:
        settings="<results>/{dataset}/settings/write_knowledge.yaml",
        bank=knowledge_bank,
        code=source_closure("write_knowledge"),
    output:
        knowledge="<results>/{dataset}/knowledge.yaml",
    log:
        "<logs>/write_knowledge/{dataset}.log",
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=1_000,
        runtime=5,
    shell:
        "python scripts/write_knowledge.py {input.settings} --knowledge {output.knowledge} > {log} 2>&1"
