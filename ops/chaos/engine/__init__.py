"""The harness's engine: a process that speaks both wire protocols, answers by ``answers``, and misbehaves when told."""
