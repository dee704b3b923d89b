"""What a run is told by: its figures, its findings, and the paper that words them."""
