"""Prompts, checkpoint bundles, engine clients, the local engine and training."""
