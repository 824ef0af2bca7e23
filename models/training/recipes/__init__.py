"""The paper's models at the paper's scale, as data: what to train on what, what it takes, and a rehearsal that is tiny.

    *.toml, recipe       what is run, on which hardware
    arithmetic, report   parameters, memory a GPU, tokens and hours, before anything is rented
    sharding, run        FSDP2, bfloat16 and gradient checkpointing; the stages, one after another

Run as ``precis train recipe NAME --dry-run``.
"""
