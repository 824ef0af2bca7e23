"""The order of reference and windows."""

from stream.drift.divergence import PairScores
from stream.drift.windows import Kind, Reference, Sample, Windows


def sample(number, *, industry="health", revision="r1", p_raw=0.5):
    """Divergences spread out, so that there are bins."""
    return Sample(industry, (PairScores(0.4 + number % 50 / 100, p_raw), PairScores(0.5, 0.5)), revision)


def feed(windows, count, **changes):
    return [report for number in range(count) if (report := windows.add(sample(number, **changes))) is not None]


def test_the_first_samples_become_the_reference():
    """And nothing is judged before they are there."""
    windows = Windows(80, 100, "q")
    (frozen,) = feed(windows, 100)
    assert frozen.findings == {}
    assert frozen.frozen is not None
    assert frozen.frozen is windows.reference
    assert (frozen.frozen.revision, frozen.frozen.queries, frozen.frozen.industries) == ("r1", "q", {"health": 100})
    assert len(frozen.frozen.divergences) == 100


def test_a_posting_is_the_mean_of_its_pairs():
    """One draw, however many queries it was scored for."""
    assert Sample("x", (PairScores(0.9, 0.5), PairScores(0.5, 0.5)), "r").divergence == (
        PairScores(0.9, 0.5).divergence / 2
    )


def test_windows_are_judged_one_after_the_other():
    """Each of its own samples: none is counted twice."""
    windows = Windows(80, 100, "q")
    feed(windows, 100)
    reports = feed(windows, 200)
    assert len(reports) == 2
    assert all(set(report.findings) == set(Kind) for report in reports)
    assert not any(signal.is_raised for signal in windows.signals.values())
    assert len(windows.samples) == 40


def test_each_signal_is_raised_by_its_own_cause():
    """Another mix with the divergences of before; then the mix of before with other divergences."""
    windows = Windows(100, 100, "q")
    feed(windows, 100)
    feed(windows, 200, industry="sales")
    assert {kind for kind, signal in windows.signals.items() if signal.is_raised} == {Kind.INDUSTRY}
    feed(windows, 200, p_raw=0.05)
    assert {kind for kind, signal in windows.signals.items() if signal.is_raised} == {Kind.DIVERGENCE}


def test_a_given_reference_is_used_at_once():
    """The first window is compared with it."""
    reference = Reference("r1", "q", tuple(number / 100 for number in range(100)), {"health": 100})
    (report,) = feed(Windows(80, 100, "q", reference), 80)
    assert set(report.findings) == set(Kind)


def test_another_ranker_begins_anew():
    """Its scores are other numbers: reference, half a window and signals are given up."""
    windows = Windows(100, 100, "q")
    feed(windows, 100)
    feed(windows, 250, industry="sales")
    assert windows.signals[Kind.INDUSTRY].is_raised
    windows.add(sample(0, revision="r2"))
    assert windows.reference is None
    assert len(windows.samples) == 1
    assert not windows.signals[Kind.INDUSTRY].is_raised
