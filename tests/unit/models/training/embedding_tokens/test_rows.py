"""The curve as rows and as a recorded run: figures worked out by hand."""

import pytest

from models.training.embedding_tokens.places import PLACEHOLDER, in_summary_place
from models.training.embedding_tokens.points import Point, Reads
from models.training.embedding_tokens.record import recorded_run, table
from models.training.embedding_tokens.rows import rows_of
from models.training.report.recorded import Recorded

POINTS = [
    Point(Reads.NOTHING, None, 0.0, 0.0, [0.4, 0.2]),
    Point(Reads.BODY, None, 200.0, 900.0, [0.8, 0.4]),
    Point(Reads.TARGET, None, 20.0, 90.0, [0.8, 0.4]),
    Point(Reads.VECTORS, 4, 4.0, 2048.0, [0.6, 0.3]),
    Point(Reads.STRANGE, 4, 4.0, 2048.0, [0.4, 0.2]),
    Point(Reads.TARGET, 4, 4.0, 18.0, [0.5, 0.25]),
]


def _found():
    config = {
        "queries": 2,
        "set": "queries",
        "items": 3,
        "dtype": "float32",
        "ranker": {"name": "r", "revision": "abc"},
        "encoder": {"source": "body", "provenance": {"is_joint": False}},
    }
    return {"config": config, "body_tokens": 200.0, "header_tokens": 40.0, "rows": rows_of(POINTS, 200.0, 40.0)}


def test_vectors_are_held_against_everything_at_their_length():
    """Each query changes by the same share, so every interval is a point."""
    row = next(row for row in rows_of(POINTS, 200.0, 40.0) if row["reads"] == "vectors")
    assert (row["k"], row["tokens"], row["stored_bytes"]) == (4, 4.0, 2048)
    assert row["compression"] == 0.98
    assert row["item_compression"] == pytest.approx(1 - 44 / 240, abs=1e-4)
    assert row["ndcg_at_10"][0] == pytest.approx(0.45)
    assert row["beside_body"] == [-0.25] * 3
    assert row["beside_nothing"] == [0.5] * 3
    assert row["beside_target"] == [0.2] * 3
    assert row["beside_strange"] == [0.5] * 3
    assert "beside_lead" not in row  # was not measured


def test_texts_are_held_against_the_whole_body_and_against_nothing():
    """The target whole loses nothing here; only vectors have twins of their length."""
    row = next(row for row in rows_of(POINTS, 200.0, 40.0) if row["reads"] == "target summary" and row["k"] is None)
    assert (row["beside_body"], row["beside_nothing"]) == ([0.0] * 3, [1.0] * 3)
    assert "beside_target" not in row


def test_a_recorded_run_has_figures_of_each_length_and_all_rows():
    """It is what the report takes: the config has its hash, figures have names and intervals."""
    run = recorded_run(_found(), "2026-11-28")
    assert Recorded.model_validate_json(run.model_dump_json()) == run
    assert (run.name, run.command) == (
        "embedding-tokens-body",
        "precis eval embeddings --queries 2 --dtype float32",
    )
    figures = {figure.name: figure.value for figure in run.figures}
    assert figures == {
        "embedding_tokens_body_4_relative": -0.25,
        "embedding_tokens_body_4_over_nothing": 0.5,
        "embedding_tokens_body_4_over_text": 0.2,
        "embedding_tokens_body_4_over_strange": 0.5,
    }
    assert all("98.0% of the body saved" in figure.says for figure in run.figures)
    assert len(run.tables[0].rows) == len(POINTS)
    assert all(len(row) == len(run.tables[0].head) for row in run.tables[0].rows)


def test_what_was_trained_together_is_a_run_of_its_own():
    """Both may stand in one report: another ranker read the text as well."""
    found = _found()
    found["config"]["encoder"]["provenance"]["is_joint"] = True
    run = recorded_run(found, "2026-11-29")
    assert run.name == "embedding-tokens-joint-body"
    assert run.title.endswith(", encoder and ranker trained together")
    assert {figure.name.partition("_4_")[0] for figure in run.figures} == {"embedding_tokens_joint_body"}


def test_the_table_for_people_is_markdown():
    """One line a row below the two of the head."""
    lines = list(table(_found()))
    assert lines[0] == "2 queries, 3 items, ranker abc"
    assert sum(line.startswith("| ") for line in lines) == 1 + len(POINTS)
    assert any("| vectors | 4 | 98.0% |" in line and "-25.00 %" in line and "+20.00 %" in line for line in lines)


def test_vectors_stand_before_the_mark_that_asks_for_the_answer():
    """As a summary's tokens would."""
    assert in_summary_place([3, 60, 9, 4], [PLACEHOLDER] * 2) == [3, 60, 9, 0, 0, 4]
    assert in_summary_place([3, 60, 9, 4], []) == [3, 60, 9, 4]
