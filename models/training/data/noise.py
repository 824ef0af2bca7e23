"""Typing mistakes and the decorations of titles."""

from random import Random

__all__ = ["decorated", "with_typo"]

_DECORATED_SHARE = 0.2


def with_typo(rng: Random, text: str) -> str:
    """Two neighbouring letters swapped, or one left out; a text without such letters stays."""
    places = [at for at in range(len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    middle = text[at + 1] + text[at] if rng.random() < 0.5 else text[at + 1]  # noqa: PLR2004 (a fair coin)
    return text[:at] + middle + text[at + 2 :]


def decorated(rng: Random, title: str) -> str:
    """The title as employers clutter it: capitals, (m/f/d), reference numbers; mostly as it is."""
    if rng.random() >= _DECORATED_SHARE:
        return title
    return rng.choice((title.upper(), f"{title} (m/f/d)", f"{title} - Ref {rng.randrange(100, 9999)}", f"{title} x2"))
