"""Labels from teachers, the pure part: two embedding models for what a posting is about, rules for what it denies.

:mod:`weights` says which models; :mod:`asked`, :mod:`places`, :mod:`pay` and :mod:`rules` read a query and hold it
against the typed facts of a posting; :mod:`mapping` turns both into a soft label. What runs the models is
``models.training.teachers``, in the environment that has onnxruntime.
"""
