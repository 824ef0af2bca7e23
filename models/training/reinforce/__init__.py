"""Reinforcement learning of the summarizer: GSPO (arXiv 2507.18071) with the reward of arXiv 2510.22101, equation 4.

::

    r(body, summary) = -KL(p_sum || p_raw)          divergence    the ranker answers as after the whole body
                       - w (len_sum / len_raw)^2    length        and reads little
                       - f [the gate refuses]       faithfulness  of what the body says

``gspo`` is one run, ``grid`` the runs of a table. ``episodes`` draws what is summarised and the queries asked of it,
``rollouts`` samples summaries, ``reader`` is the ranker in process, ``trainer`` hands it all to TRL's GRPOTrainer and
``held_out`` measures before and after. Runs in the environment of ``make setup-training``.
"""
