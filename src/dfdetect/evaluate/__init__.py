"""How good a model is, through the same `detect` that users run; and its thresholds, from held-out reals."""
