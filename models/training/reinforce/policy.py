"""What is trained: weights that TRL changes, and how they are stored."""

from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer
from torch import nn

from models.bundle import Bundle
from models.training.architecture import CausalModel
from models.training.export import export_weights, load_weights

__all__ = ["Policy", "WholePolicy"]


class Policy(Protocol):
    """A summarizer in training.

    Attributes:
        trained: What TRL takes: the model, or an adapter around it.
        model: The same as it is asked.
    """

    trained: nn.Module
    model: CausalModel

    def resume(self, checkpoint: Path) -> None:
        """Take over the weights of a checkpoint of TRL's, where it does not do so itself."""
        ...

    def store(self, folder: Path) -> CausalModel:
        """Write all of a bundle but ``precis.json``, and read its weights back."""
        ...


class WholePolicy:
    """All weights of a bundle. They are rounded when they are stored: nothing is trained after that."""

    def __init__(self, start: Bundle) -> None:
        """Read them."""
        self._tokenizer_file = start.tokenizer_file
        self.trained = self.model = load_weights(start.path)

    def resume(self, checkpoint: Path) -> None:
        """Leave it to TRL."""

    def store(self, folder: Path) -> CausalModel:
        """Write weights, config and tokenizer; the weights as stored."""
        export_weights(self.model, Tokenizer.from_file(str(self._tokenizer_file)), folder)
        return load_weights(folder)
