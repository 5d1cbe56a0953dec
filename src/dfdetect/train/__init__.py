"""Training: recipe -> run folder with checkpoints."""
