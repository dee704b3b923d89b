"""What leaves a run: a generator as a pipeline folder of diffusers, and synthetic images as a data set of their own."""
