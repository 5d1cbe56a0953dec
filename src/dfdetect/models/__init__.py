"""crops -> logits: what a model is, its preprocessing, and the bundle it is shipped in."""
