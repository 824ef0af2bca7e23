"""The nearline service: reads job updates from Kafka, keeps one summary of each job, publishes every change of it.

Start with ``process`` (one record, step by step), then ``record`` (what becomes of errors), ``lanes`` (many records at
once) and ``worker`` (Kafka). ``bootstrap`` puts them together.
"""
