rule write_knowledge:
    """Write the enriched prompts and the checklist of one dataset's labels."""
    input:
        settings="<results>/{dataset}/settings/write_knowledge.yaml",
        bank=knowledge_bank,
        images=knowledge_images,
        code=code_of("write_knowledge", "{dataset}/settings/write_knowledge.yaml"),
    output:
        knowledge="<results>/{dataset}/knowledge.yaml",
        provenance="<results>/{dataset}/knowledge.provenance.json",
    log:
        "<logs>/write_knowledge/{dataset}.log",
    conda:
        "../envs/diffusion.yaml"
    threads: 1
    resources:
        gpu=knowledge_gpus(),
        mem_mb=CONFIG.resources.knowledge_mem_mb,
        runtime=CONFIG.resources.knowledge_runtime,
    params:
        images=optional("--images", "images"),
    shell:
        "python scripts/write_knowledge.py {input.settings:q} --knowledge {output.knowledge:q}"
        " --provenance {output.provenance:q} {params.images} > {log:q} 2>&1"
