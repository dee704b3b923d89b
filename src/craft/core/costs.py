"""What a training or a sampling is said to have cost, by name."""

# UNet evaluations, an image's forward pass one and its backward pass two; processor time; time on a GPU, 0 without one
SPENT = ("unet_evaluations", "cpu_seconds", "gpu_seconds")
# the most that a process held, on the GPU where there is one
MEMORY = "peak_memory_mb"
