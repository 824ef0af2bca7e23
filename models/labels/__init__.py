"""Relevance labels that no generator gives: from a language model as judge, and from what people clicked.

Both write one file format (``models.labels.files``). Torch-free; the judge is reached over HTTP.
"""
