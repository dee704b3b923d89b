"""The reporting checklist of a run: what journals ask of studies with AI, answered from what was run."""
