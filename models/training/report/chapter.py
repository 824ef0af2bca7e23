"""What a section of the report gives back. Plain data: nothing here measures, draws or writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.training.significance import Interval

__all__ = ["Chapter", "Chart", "Figure", "Picture", "Series", "Table"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that somebody will quote.

    Attributes:
        name: Its key in the JSON.
        interval: Value and 95 % interval.
        says: What it is, in a sentence.
        num_queries: How many queries it rests on; None where queries are not what it rests on.
        paper: What the paper reports for it, second-hand; None where it reports nothing.
        goal: What was asked for, in words; None where nothing was.
        recomputed: Whether this run computed it; otherwise it was read from a recorded run.
    """

    name: str
    interval: Interval
    says: str
    num_queries: int | None = None
    paper: str | None = None
    goal: str | None = None
    recomputed: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Chart(StrEnum):
    """How a picture is drawn."""

    BARS = "bars"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour.

    Attributes:
        label: In the legend.
        x: Places: numbers for lines, names for bars.
        y: A value with its interval at each place.
    """

    label: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[Interval]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart; ``name`` becomes its file's name."""

    name: str
    title: str
    chart: Chart
    x_label: str
    y_label: str
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One section of the report.

    Attributes:
        name: As in ``SECTIONS``.
        title: Its heading.
        question: What it answers, in a paragraph.
        figures: The numbers to quote.
        tables: All numbers.
        pictures: Charts.
        remarks: What to read out of it, and its limits; one paragraph each.
    """

    name: str
    title: str
    question: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    remarks: Sequence[str] = ()
