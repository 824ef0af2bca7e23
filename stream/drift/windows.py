"""Sampled postings, put together: first the reference, then one window after the other, each judged. Pure.

The reference is of one ranker (its revision) and one set of queries: scores of another ranker are other numbers, so
where it changes everything begins anew. It does not begin anew with another summarizer: whether that one keeps as much
of the text is what is asked.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stream.drift.detector import Finding, Signal, compare_mix, compare_values
from stream.drift.divergence import Divergences, PairScores, measure

__all__ = ["Kind", "Reference", "Report", "Sample", "Windows"]


class Kind(StrEnum):
    """What is watched."""

    DIVERGENCE = "divergence"
    """How far scores of summaries are from those of whole texts."""
    INDUSTRY = "industry"
    """Which postings come at all."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One compared posting.

    Attributes:
        industry: Its industry.
        pairs: Its scores for each query, at least one.
        revision: Of the ranker.
    """

    industry: str
    pairs: tuple[PairScores, ...]
    revision: str

    @property
    def divergence(self) -> float:
        """Mean over its queries."""
        return sum(pair.divergence for pair in self.pairs) / len(self.pairs)


@dataclass(frozen=True, slots=True)
class Reference:
    """What windows are compared with.

    Attributes:
        revision: Of the ranker.
        queries: Identity of the set of queries.
        divergences: Of each posting.
        industries: Postings of each industry.
    """

    revision: str
    queries: str
    divergences: tuple[float, ...]
    industries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What a whole window says.

    Attributes:
        divergences: Of its pairs.
        findings: Of each kind; empty where the window became the reference.
        signals: Likewise, after this window.
        frozen: The reference that this window became; None where it was compared with one.
    """

    divergences: Divergences
    findings: Mapping[Kind, Finding]
    signals: Mapping[Kind, Signal]
    frozen: Reference | None = None


@dataclass(slots=True)
class Windows:
    """Takes samples one by one.

    Attributes:
        size: Postings of a window.
        reference_size: Postings of the reference, where it is made here.
        queries: Identity of the set of queries.
        reference: What is compared with; None while it is being collected.
        signals: As of the last window.
        samples: Of the present window, or of the reference to be.
    """

    size: int
    reference_size: int
    queries: str
    reference: Reference | None = None
    signals: dict[Kind, Signal] = field(default_factory=lambda: {kind: Signal() for kind in Kind})
    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> Report | None:
        """Take one more.

        Returns:
            What the window says that it completes; None where it completes none.
        """
        if self._revision() not in {None, sample.revision}:
            self._begin_anew()
        self.samples.append(sample)
        if len(self.samples) < (self.size if self.reference else self.reference_size):
            return None
        samples, self.samples = self.samples, []
        divergences = measure([pair for each in samples for pair in each.pairs])
        values = [each.divergence for each in samples]
        industries = Counter(each.industry for each in samples)
        if self.reference is None:
            self.reference = Reference(sample.revision, self.queries, tuple(values), dict(industries))
            return Report(divergences, {}, dict(self.signals), frozen=self.reference)
        findings = {
            Kind.DIVERGENCE: compare_values(self.reference.divergences, values),
            Kind.INDUSTRY: compare_mix(self.reference.industries, industries),
        }
        self.signals = {kind: self.signals[kind].after(finding) for kind, finding in findings.items()}
        return Report(divergences, findings, dict(self.signals))

    def _revision(self) -> str | None:
        if self.reference is not None:
            return self.reference.revision
        return self.samples[0].revision if self.samples else None

    def _begin_anew(self) -> None:
        self.reference = None
        self.samples = []
        self.signals = {kind: Signal() for kind in Kind}
