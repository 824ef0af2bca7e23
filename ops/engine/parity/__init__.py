"""The parity gate: every engine gives the scores and the texts that transformers gives, on the same token ids.

``inputs`` renders them, ``reference`` has transformers answer in float32, ``ask`` has an engine answer over HTTP,
``judge`` compares (pure), ``run`` does one after the other, ``report`` says it.
"""
