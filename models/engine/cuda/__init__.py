"""The engine on a GPU: packed scoring as one sequence under FlexAttention, decoding and scoring as CUDA graphs.

``models.engine.backend`` chooses it; nothing else imports it. Its parts also run on the CPU, slowly: there they are
tested.
"""
