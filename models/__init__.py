"""Prompts, checkpoint bundles, engine clients, the faithfulness gate, the local engine and training."""
