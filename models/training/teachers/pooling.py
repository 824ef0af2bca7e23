"""From the states of a network's last layer to one unit vector."""

import numpy as np
import numpy.typing as npt

from models.labels.teachers.weights import Pooling

__all__ = ["Floats", "pooled"]

Floats = npt.NDArray[np.float32]


def pooled(states_TD: Floats, pooling: Pooling) -> Floats:
    """The embedding of one text.

    Args:
        states_TD: [T, D] of its T tokens, special ones included, none of padding.
        pooling: Mean over tokens, or the first of them.

    Returns:
        [D], of length 1.
    """
    vector_D = states_TD.mean(axis=0) if pooling is Pooling.MEAN else states_TD[0]
    return (vector_D / np.linalg.norm(vector_D)).astype(np.float32)
