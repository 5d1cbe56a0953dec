"""Trained checkpoint -> verified bundle."""
