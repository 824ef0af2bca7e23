"""From text to token ids, the same bytes in training and in serving.

Parts of a prompt are tokenised apart and their ids concatenated, so that no merge crosses a seam: the query prefix of
one request is the same ids whatever item follows, and an item's ids can be stored with its summary.
"""

from models.prompts.extractive import extractive_summary, sentences
from models.prompts.header import render_header
from models.prompts.phrases import supported_phrases
from models.prompts.query import normalise_query
from models.prompts.ranker import RankerPrompt
from models.prompts.summarizer import SummarizerPrompt
from models.prompts.tokenizer import SPECIAL_TOKENS, TextTokenizer

__all__ = [
    "SPECIAL_TOKENS",
    "RankerPrompt",
    "SummarizerPrompt",
    "TextTokenizer",
    "extractive_summary",
    "normalise_query",
    "render_header",
    "sentences",
    "supported_phrases",
]
