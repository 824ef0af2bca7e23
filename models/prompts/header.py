"""The header: the typed facts of a posting on one canonical line, never compressed."""

from collections.abc import Callable, Iterator

from schemas.posting import Facts

__all__ = ["render_header"]

_SEPARATOR = " | "


def render_header(facts: Facts, count_tokens: Callable[[str], int], max_tokens: int) -> str:
    """The facts on one line, as far as they fit.

    ``title | organisation | places | remote | employment type | requirements | pay | posted date | skills``

    The segments stand in order of worth; the first that does not fit is cut by words and ends the line.

    Args:
        facts: What to say.
        count_tokens: Length of a text, by the ranker's tokenizer.
        max_tokens: Limit for the whole line.

    Returns:
        One line of at most ``max_tokens``; empty only where not even the first word of the title fits.
    """
    segments = tuple(_segments(facts))
    header = _SEPARATOR.join(segments)
    if count_tokens(header) <= max_tokens:
        return header
    header = ""
    for segment in segments:
        longer = f"{header}{_SEPARATOR}{segment}" if header else segment
        if count_tokens(longer) > max_tokens:
            return _longest_prefix(longer, len(header), count_tokens, max_tokens)
        header = longer
    return header


def _segments(facts: Facts) -> Iterator[str]:
    remote = "remote" if facts.is_remote else ""
    posted = f"posted {facts.date_posted}" if facts.date_posted else ""
    skills = f"skills: {', '.join(facts.skills)}" if facts.skills else ""
    places = "; ".join(facts.places)
    employment = ", ".join(facts.employment_types)
    named = (
        facts.title,
        facts.organisation,
        places,
        remote,
        employment,
        *facts.requirements,
        facts.pay,
        posted,
        skills,
    )
    yield from filter(None, named)


def _longest_prefix(text: str, shortest: int, count_tokens: Callable[[str], int], max_tokens: int) -> str:
    ends = [shortest, *(index for index, char in enumerate(text) if char == " " and index > shortest)]
    low, high = 0, len(ends) - 1
    while low < high:  # the number of tokens grows with the number of words: bisect
        middle = (low + high + 1) // 2
        if count_tokens(text[: ends[middle]]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return text[: ends[low]].rstrip(" |,;")
