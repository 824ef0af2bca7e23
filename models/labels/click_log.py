"""The click log: what was shown where, and what people did with it.

One line a results page:

    {"query": "RN nights", "shown": [{"job_id": "a", "position": 1},
                                     {"job_id": "b", "position": 2, "clicked": true, "dwell_s": 48, "applied": true}]}

``position`` counts from 1, at the top; a posting that was not shown has no place in the line. Other fields are ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.labels.lines import JobIdText, QueryText, Row, parse_row, read_rows
from models.prompts import normalise_query
from schemas.errors import InvalidInput

__all__ = ["Cell", "ClickCounts", "Page", "Shown", "Signal", "count_clicks"]

MAX_POSITION = 1000
_NAMED_BAD_LINES = 10


class Signal(StrEnum):
    """What counts as a sign of relevance."""

    CLICKS = "clicks"
    SATISFIED = "satisfied"
    """A click with an application, or one that kept the person for a while."""
    APPLICATIONS = "applications"


class Shown(Row):
    """A posting on a page.

    Attributes:
        dwell_s: Seconds until the person came back; none where that is not known.
    """

    job_id: JobIdText
    position: Annotated[int, Field(ge=1, le=MAX_POSITION)]
    clicked: bool = False
    dwell_s: Annotated[float, Field(ge=0)] | None = None
    applied: bool = False

    @model_validator(mode="after")
    def _check_clicked(self) -> Self:
        if not self.clicked and (self.applied or self.dwell_s is not None):
            raise PydanticCustomError("unclicked", "`applied` or `dwell_s` without `clicked`: true")
        return self

    def shows(self, signal: Signal, min_dwell_s: float) -> bool:
        """Whether the sign is there."""
        if signal is Signal.CLICKS:
            return self.clicked
        if signal is Signal.APPLICATIONS:
            return self.applied
        return self.applied or (self.clicked and self.dwell_s is not None and self.dwell_s >= min_dwell_s)


class Page(Row):
    """A line."""

    query: QueryText
    shown: Annotated[list[Shown], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_distinct(self) -> Self:
        for name in ("position", "job_id"):
            values = [getattr(shown, name) for shown in self.shown]
            if len(set(values)) < len(values):
                raise PydanticCustomError("twice", "two entries of `shown` have the same `{name}`", {"name": name})
        return self


@dataclass(slots=True)
class Cell:
    """A posting for a query at one position: how often it was shown, clicked, and gave the sign."""

    impressions: int = 0
    clicks: int = 0
    signals: int = 0


@dataclass(slots=True)
class ClickCounts:
    """All that the estimates need of a log.

    Attributes:
        cells: (normalised query, job id) -> position -> counts.
        bad_lines: The first few lines that were passed over, with the reason.
    """

    cells: dict[tuple[str, str], dict[int, Cell]] = field(default_factory=dict)
    num_pages: int = 0
    num_bad_lines: int = 0
    bad_lines: list[str] = field(default_factory=list)


def count_clicks(path: Path, signal: Signal, *, min_dwell_s: float, max_bad_lines: int) -> ClickCounts:
    """Read a log. A line that is wrong is passed over, counted, and named while they are few.

    Args:
        path: Of the log.
        signal: What counts.
        min_dwell_s: Seconds that make a click a satisfied one.
        max_bad_lines: One more ends the reading.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: More lines are wrong than allowed, or the file cannot be read to its end.
    """
    counts = ClickCounts()
    for page in _pages(path, counts, max_bad_lines):
        counts.num_pages += 1
        query = normalise_query(page.query)
        for shown in page.shown:
            cell = counts.cells.setdefault((query, shown.job_id), {}).setdefault(shown.position, Cell())
            cell.impressions += 1
            cell.clicks += shown.clicked
            cell.signals += shown.shows(signal, min_dwell_s)
    return counts


def _pages(path: Path, counts: ClickCounts, max_bad_lines: int) -> Iterator[Page]:
    for place, line in read_rows(path):
        try:
            page = parse_row(place, line, Page)
        except InvalidInput as error:
            counts.num_bad_lines += 1
            if len(counts.bad_lines) < _NAMED_BAD_LINES:
                counts.bad_lines.append(str(error))
            if counts.num_bad_lines > max_bad_lines:
                raise InvalidInput(
                    f"{counts.num_bad_lines} lines are wrong, {max_bad_lines} are allowed; the first: "
                    f"{counts.bad_lines[0]}; the last: {error}"
                ) from error
            continue
        yield page
