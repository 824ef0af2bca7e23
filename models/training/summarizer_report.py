"""What a summarizer is measured by, and the canaries that its bundle carries."""

from collections.abc import Sequence

from models.bundle import SummarizerCanary
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.architecture import CausalModel
from models.training.data import GeneratedPosting
from models.training.generation import greedy
from models.training.measures import measure_summaries

__all__ = ["measure_summarizer", "summarise", "summarizer_canaries"]


def summarise(
    model: CausalModel, prompt: SummarizerPrompt, text: TextTokenizer, bodies: Sequence[str]
) -> list[tuple[str, bool]]:
    """Greedy summaries as the service would store them, and whether the model ended each itself."""
    eos = prompt.stop_token_ids[0]
    written = greedy(model, [prompt.prompt_ids(body) for body in bodies], eos, prompt.max_output_tokens)
    return [(prompt.summary(text.decode(ids)), ids[-1] == eos) for ids in written]


def measure_summarizer(
    model: CausalModel, text: TextTokenizer, prompt: SummarizerPrompt, postings: Sequence[GeneratedPosting]
) -> dict[str, float]:
    """Summarise the postings and compare with the truth: see :class:`models.training.measures.SummaryMeasures`."""
    written = summarise(model, prompt, text, [posting.body for posting in postings])
    summaries = [summary for summary, _ in written]
    lengths = [
        (text.count(short), text.count(posting.body)) for posting, short in zip(postings, summaries, strict=True)
    ]
    measures = measure_summaries(postings, summaries, lengths, [ended for _, ended in written])
    return {"postings": float(len(postings)), **measures.as_metrics()}


def summarizer_canaries(
    model: CausalModel, text: TextTokenizer, prompt: SummarizerPrompt, postings: Sequence[GeneratedPosting]
) -> tuple[SummarizerCanary, ...]:
    """A canary for each posting: its body, and the greedy answer written alone, without padding."""
    prompts = [prompt.prompt_ids(posting.body) for posting in postings]
    outputs = greedy(model, prompts, prompt.stop_token_ids[0], prompt.max_output_tokens, batch=1)
    return tuple(
        SummarizerCanary(
            body=posting.body, prompt_ids=tuple(ids), output_ids=tuple(output), text=prompt.summary(text.decode(output))
        )
        for posting, ids, output in zip(postings, prompts, outputs, strict=True)
    )
