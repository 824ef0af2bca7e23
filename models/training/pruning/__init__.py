"""Structured pruning of a bundle: which MLP neurons, key-value heads and layers go, and how the rest makes up for them.

    problem, fit, osscar, criteria, methods   choose and refit, on matrices alone (numpy, float64)
    walk, surgery                             the same on a model, layer by layer (torch)
    prompts, plan, planning, applying         what is read, what is decided, what is written
    distillation, lessons, recovery           further training
    measuring, comparison, report             what it costs, and what further training brings back

Run as ``precis prune plan | apply | recover | compare``. Nothing is imported from here.
"""
