"""The teachers at work: embedding, scoring, labelling, fitting the map, comparing. Needs onnxruntime, not torch.

What they are and what the rules say is in ``models.labels.teachers``.
"""
