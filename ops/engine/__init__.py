"""The engines on this machine: their environments, how each is started for a bundle, and what is missing.

Decisions are pure and one module an engine (``vllm``, ``sglang``, ``local``): hardware, role and bundle give a command
line. ``environments`` installs and looks (it drives ``ops/setup.sh``), ``process`` runs, ``checks`` asks the canaries,
``doctor`` explains, ``parity`` compares all with transformers. What the CPU builds need beyond upstream lies in
``requirements/cpu_shims``.
"""
