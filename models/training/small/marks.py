"""The prompts' marks in the vocabulary of SmolLM2: special tokens of code corpora, renamed.

No row is added, so ``config.json`` and the embedding stay as they are. What was ``<repo_name>`` and its like speaks of
files of code; postings need none of them.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from models.prompts import TextTokenizer
from schemas.errors import ConfigurationError

__all__ = ["MARK_IDS", "marked_tokenizer", "rename_marks"]

MARK_IDS = {
    "<|eos|>": 2,
    "<|query|>": 3,
    "<|job|>": 4,
    "<|relevant|>": 5,
    "<|body|>": 6,
    "<|summary|>": 7,
}
"""``<|eos|>`` was ``<|im_end|>``: an answer ends as the model learnt to end one."""


def marked_tokenizer(base: Path, *, folds_case: bool) -> TextTokenizer:
    """The tokenizer of the pretrained weights, as their bundles have it.

    Args:
        base: Their folder.
        folds_case: As for :func:`rename_marks`.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(base / name, Path(folder) / name)
        rename_marks(Path(folder), folds_case=folds_case)
        return TextTokenizer.from_file(Path(folder) / "tokenizer.json")


def rename_marks(folder: Path, *, folds_case: bool) -> None:
    """Rename the tokens in ``tokenizer.json`` and ``tokenizer_config.json``; the chat template, which needs them, goes.

    Args:
        folder: Of both files.
        folds_case: Whether text is read in lower case. A ranker's is, for queries are: a place would be other tokens in
            the item than in the query.

    Raises:
        ConfigurationError: One of the ids is no special token, or the tokenizer has one of the marks already.
    """
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    names = {token["id"]: token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    vocabulary = tokenizer["model"]["vocab"]
    if vocabulary.keys() & MARK_IDS.keys():
        raise ConfigurationError(f"{str(file)!r} has the prompts' marks already")
    if missing := sorted(set(MARK_IDS.values()) - names.keys()):
        raise ConfigurationError(f"{str(file)!r}: tokens {missing} are no special tokens: this is another tokenizer")
    new = {names[token_id]: mark for mark, token_id in MARK_IDS.items()}
    tokenizer["model"]["vocab"] = {new.get(name, name): token_id for name, token_id in vocabulary.items()}
    for token in tokenizer["added_tokens"]:
        token["content"] = new.get(token["content"], token["content"])
    if folds_case:
        tokenizer["normalizer"] = {"type": "Lowercase"}
    file.write_text(json.dumps(tokenizer, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _rename_settings(folder / "tokenizer_config.json", new)


def _rename_settings(file: Path, new: dict[str, str]) -> None:
    settings: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    del settings["chat_template"]
    renamed = {name: new.get(value, value) if isinstance(value, str) else value for name, value in settings.items()}
    file.write_text(json.dumps(renamed, indent=2) + "\n", encoding="utf-8")
