"""Ages and times as operators read them. Pure."""

__all__ = ["age_text"]

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age_text(seconds: float) -> str:
    """A duration in the largest unit that fits: ``0.2 s``, ``41 s``, ``3.5 min``, ``2.0 h``, ``5.1 d``; not below 0."""
    seconds = max(0.0, seconds)
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - two digits are enough
