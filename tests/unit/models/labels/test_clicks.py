"""From click logs to labels: on a simulated log whose truth is known, and on wrong ones."""

import json
import random
from itertools import combinations

import pytest

from models.labels.click_log import Cell, Signal, count_clicks
from models.labels.debias import Debias, debiased
from models.labels.propensity import estimate_propensities, read_propensities
from schemas.errors import ConfigurationError, InvalidInput
from tests.doubles.click_world import make_world

PAGE = {"query": "RN  Nights", "shown": [{"job_id": "a", "position": 1}]}


def log_file(tmp_path, *rows):
    path = tmp_path / "clicks.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def counted(path, signal=Signal.CLICKS, *, max_bad_lines=0):
    return count_clicks(path, signal, min_dwell_s=30, max_bad_lines=max_bad_lines)


def order_kept(truth, values):
    """Share of pairs of postings of one query that stand in their true order."""
    kept = total = 0
    for one, other in combinations(sorted(truth), 2):
        if one[0] == other[0] and truth[one] != truth[other]:
            kept += (truth[one] < truth[other]) == (values[one] < values[other])
            total += 1
    return kept / total


def test_a_simulated_log_gives_back_its_truth(tmp_path):
    """20,000 pages of 8 postings: propensities within 0.04, 95 % of all orders right; plain click rates keep far less.

    With the true propensities it is hardly better (within one point), so the estimate costs next to nothing.
    """
    rng = random.Random(5)
    world = make_world(rng, num_queries=12, num_jobs=8)
    counts = counted(log_file(tmp_path, *world.pages(rng, 20_000, num_swaps=3)))
    found = estimate_propensities(list(counts.cells.values()))
    assert found.has_converged
    assert found.unlinked == ()
    for position, truth in world.examination.items():
        assert found.values[position] == pytest.approx(truth, abs=0.04)

    labels = {(row["query"], row["job_id"]): row for row in debiased(counts.cells, found.values, Debias()).rows}
    assert labels.keys() == world.attraction.keys()
    soft = {key: row["label"] for key, row in labels.items()}
    rates = {key: row["clicks"] / row["impressions"] for key, row in labels.items()}
    known = debiased(counts.cells, world.examination, Debias()).rows
    by_truth = {(row["query"], row["job_id"]): row["label"] for row in known}
    assert order_kept(world.attraction, soft) >= 0.95
    assert order_kept(world.attraction, soft) >= order_kept(world.attraction, by_truth) - 0.01
    assert order_kept(world.attraction, rates) <= 0.85
    error = sum(abs(soft[key] - truth) for key, truth in world.attraction.items()) / len(soft)
    assert error <= 0.03


def test_few_pages_a_query_do_not_bias_the_estimate():
    """20 pages for each of 1,000 queries, cells of a few impressions: the error is small, in no direction."""
    rng = random.Random(4)
    world = make_world(rng, num_queries=1_000, num_jobs=8)
    pairs: dict[tuple[str, str], dict[int, Cell]] = {}
    for page in world.pages(rng, 20_000, num_swaps=3):
        for shown in page["shown"]:
            cell = pairs.setdefault((page["query"], shown["job_id"]), {}).setdefault(shown["position"], Cell())
            cell.impressions += 1
            cell.clicks += shown.get("clicked", False)
    found = estimate_propensities(list(pairs.values()))
    errors = [found.values[position] - truth for position, truth in world.examination.items()]
    assert max(map(abs, errors)) <= 0.025
    assert abs(sum(errors)) / len(errors) <= 0.015


def test_a_first_position_without_clicks_is_no_measure():
    """The first with a click has 1, and what nobody ever clicked is next to nothing."""
    found = estimate_propensities([{1: Cell(30, 0, 0), 2: Cell(30, 12, 12), 3: Cell(30, 6, 6)}])
    assert found.values == {1: pytest.approx(0, abs=1e-5), 2: 1.0, 3: pytest.approx(0.5)}


def test_a_good_ranking_is_not_taken_for_examination(tmp_path):
    """Everybody looks everywhere, and the best stand on top: propensities stay near 1, though click rates fall."""
    rng = random.Random(6)
    world = make_world(rng, num_queries=6, num_jobs=5)
    worths = sorted(world.attraction, key=lambda key: -world.attraction[key])
    ranked: dict[str, int] = {}
    attraction = {}
    for query, job in worths:  # names in order of worth, so the log's usual order is the best one
        attraction[query, f"job-{ranked.setdefault(query, 0)}"] = world.attraction[query, job]
        ranked[query] += 1
    fair = type(world)(dict.fromkeys(range(1, 6), 1.0), attraction)
    counts = counted(log_file(tmp_path, *fair.pages(rng, 12_000, num_swaps=2)))
    found = estimate_propensities(list(counts.cells.values()))
    assert min(found.values.values()) > 0.93
    by_position = {at: [0, 0] for at in range(1, 6)}
    for cells in counts.cells.values():
        for at, cell in cells.items():
            by_position[at][0] += cell.clicks
            by_position[at][1] += cell.impressions
    assert by_position[5][0] / by_position[5][1] < 0.5 * by_position[1][0] / by_position[1][1]


def test_positions_that_nothing_ties_to_the_first_have_no_estimate():
    """Two islands: 1-2 and 7-8. The second is named, and its impressions count for nothing."""
    pairs = {
        ("q", "a"): {1: Cell(100, 50, 50), 2: Cell(100, 25, 25)},
        ("q", "b"): {7: Cell(100, 10, 10), 8: Cell(100, 5, 5)},
        ("q", "c"): {1: Cell(50, 10, 10), 7: Cell(50, 0, 0)},
    }
    del pairs["q", "c"][7]
    found = estimate_propensities(list(pairs.values()))
    assert found.values == {1: 1.0, 2: pytest.approx(0.5, abs=0.01)}
    assert found.unlinked == (7, 8)
    labels = debiased(pairs, found.values, Debias(min_impressions=1))
    assert labels.num_unplaced == 200
    assert [row["job_id"] for row in labels.rows] == ["a", "c"]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [{1: Cell(10, 5, 5)}, {2: Cell(10, 2, 2)}],
        [{1: Cell(10, 0, 0), 2: Cell(10, 0, 0)}],
    ],
)
def test_a_log_that_cannot_tell_says_so(pairs):
    """No posting at two positions, or no click on one: the remedy is in the message."""
    with pytest.raises(ConfigurationError, match="--propensities"):
        estimate_propensities(pairs)


def test_golden_numbers_of_the_debiasing():
    """By hand, for propensities 1 and 0.25, clip 0.5, prior 0.2 worth 10.

    a: 20 shown on 1 with 8 clicks, 20 on 2 with 3: rate (8 + 3 / 0.5) / 40 = 0.35; N_eff = 1600 / (20 + 40) = 26.67;
    label (26.67 * 0.35 + 10 * 0.2) / 36.67 = 0.309091. b has too few impressions.
    """
    pairs = {("q", "a"): {1: Cell(20, 8, 8), 2: Cell(20, 3, 3)}, ("q", "b"): {1: Cell(5, 5, 5)}}
    labels = debiased(pairs, {1: 1.0, 2: 0.25}, Debias(clip=0.5, prior_weight=10, prior_rate=0.2))
    assert labels.rows == [
        {
            "query": "q",
            "job_id": "a",
            "label": 0.309091,
            "method": "clicks",
            "rate": 0.35,
            "impressions": 40,
            "clicks": 11,
            "effective_impressions": 26.667,
        }
    ]
    assert (labels.num_too_few, labels.num_clipped) == (1, 20)
    scaled = debiased(pairs, {1: 1.0, 2: 0.25}, Debias(clip=0.5, prior_weight=10, prior_rate=0.2, full_rate=0.5))
    assert scaled.rows[0]["label"] == pytest.approx(0.618182)
    own = debiased(pairs, {1: 1.0, 2: 0.25}, Debias(clip=0.5))
    assert own.prior_rate == pytest.approx((8 + 6 + 5) / 45)


def test_what_counts_is_chosen(tmp_path):
    """Clicks, satisfied ones, applications; the query is normalised, and clicks are counted whatever counts."""
    shown = [
        {"job_id": "a", "position": 1, "clicked": True, "dwell_s": 5},
        {"job_id": "b", "position": 2, "clicked": True, "dwell_s": 45.5},
        {"job_id": "c", "position": 3, "clicked": True, "applied": True},
        {"job_id": "d", "position": 4, "clicked": True},
        {"job_id": "e", "position": 5},
    ]
    path = log_file(tmp_path, {"query": "RN  Nights", "shown": shown, "user": "not read"})
    expected = {Signal.CLICKS: "abcd", Signal.SATISFIED: "bc", Signal.APPLICATIONS: "c"}
    for signal, jobs in expected.items():
        cells = counted(path, signal).cells
        assert {job for (_, job), at in cells.items() for cell in at.values() if cell.signals} == set(jobs)
        assert sum(cell.clicks for at in cells.values() for cell in at.values()) == 4
        assert {query for query, _ in cells} == {"rn nights"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "not JSON"),
        ({"shown": PAGE["shown"]}, "field `query`: is missing"),
        ({**PAGE, "query": "a\0"}, r"field `query`: holds the control character U\+0000"),
        ({**PAGE, "shown": []}, "field `shown`"),
        ({**PAGE, "shown": [{"position": 1}]}, r"field `shown\.0\.job_id`: is missing"),
        ({**PAGE, "shown": [{"job_id": "a"}]}, r"field `shown\.0\.position`: is missing"),
        ({**PAGE, "shown": [{"job_id": "a", "position": 0}]}, r"field `shown\.0\.position`"),
        ({**PAGE, "shown": [{"job_id": "a", "position": 1, "clicked": 1}]}, r"field `shown\.0\.clicked`"),
        ({**PAGE, "shown": [{"job_id": "a", "position": 1, "applied": True}]}, "without `clicked`"),
        ({**PAGE, "shown": [{"job_id": "a", "position": 1, "clicked": True, "dwell_s": -1}]}, "dwell_s"),
        ({**PAGE, "shown": [*PAGE["shown"], {"job_id": "b", "position": 1}]}, "the same `position`"),
        ({**PAGE, "shown": [*PAGE["shown"], {"job_id": "a", "position": 2}]}, "the same `job_id`"),
    ],
)
def test_wrong_lines_are_counted_and_named_and_at_last_too_many(tmp_path, row, said):
    """One is passed over; beyond the limit the reading ends."""
    path = log_file(tmp_path, PAGE, row, PAGE)
    counts = counted(path, max_bad_lines=1)
    assert (counts.num_pages, counts.num_bad_lines) == (2, 1)
    with pytest.raises(InvalidInput, match=rf"clicks\.jsonl:2: .*{said}|clicks\.jsonl:2: {said}"):
        counted(path)
    assert counts.bad_lines[0].startswith("clicks.jsonl:2: ")


def test_of_many_wrong_lines_the_first_are_named(tmp_path):
    """All are counted."""
    counts = counted(log_file(tmp_path, *["{"] * 30), max_bad_lines=30)
    assert (counts.num_bad_lines, len(counts.bad_lines)) == (30, 10)


def test_propensities_from_a_file(tmp_path):
    """Positions are keys, as JSON wants them."""
    path = tmp_path / "propensities.json"
    path.write_text('{"1": 1, "2": 0.6}')
    assert read_propensities(path).values == {1: 1.0, 2: 0.6}


@pytest.mark.parametrize(
    "content", ["[1]", '{"1": 0}', '{"0": 1}', '{"one": 1}', '{"1": 1.5}', "{}", "{", '{"1": null}']
)
def test_a_file_that_holds_none_is_refused(tmp_path, content):
    """A propensity of 0 would be divided by."""
    path = tmp_path / "propensities.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"propensities\.json"):
        read_propensities(path)


@pytest.mark.parametrize("wrong", [{"clip": 0}, {"full_rate": 2}, {"prior_weight": -1}, {"prior_rate": 1.5}])
def test_choices_that_cannot_be_are_refused(wrong):
    """With the value."""
    with pytest.raises(ConfigurationError, match=str(next(iter(wrong.values())))):
        Debias(**wrong)
