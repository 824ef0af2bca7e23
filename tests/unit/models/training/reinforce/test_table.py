"""What finished runs came to."""

from models.training.reinforce.table import recorded, rows_of, table


def result(algorithm: str, weight: float, before: float, after: float) -> dict[str, object]:
    names = ("divergence", "length_ratio", "item_ratio", "tokens", "faithfulness", "fact_recall", "empty_share")
    return {
        "config": {"algorithm": algorithm, "penalty": "quadratic", "weight": weight},
        "before": dict.fromkeys(names, before) | {"ndcg_at_10": before},
        "after": dict.fromkeys(names, after) | {"ndcg_at_10": after},
    }


def test_seeds_of_a_cell_are_averaged_and_their_range_is_shown() -> None:
    """The start is a row of its own."""
    rows = rows_of([result("gspo", 0.4, 0.5, 0.6), result("grpo", 0.4, 0.5, 0.4), result("gspo", 0.4, 0.5, 0.7)])
    assert [(row["cell"], row["seeds"], row["ndcg_at_10"], row["ndcg_at_10_range"]) for row in rows] == [
        ("start", 1, 0.5, [0.5, 0.5]),
        ("gspo, quadratic, w = 0.4", 2, 0.65, [0.6, 0.7]),
        ("grpo, quadratic, w = 0.4", 1, 0.4, [0.4, 0.4]),
    ]
    lines = table(rows).splitlines()
    assert lines[0].startswith("| cell | seeds | ndcg_at_10 |")
    assert lines[3].startswith("| gspo, quadratic, w = 0.4 | 2 | 0.65 | ")
    assert lines[3].endswith(" 0.6 to 0.7 |")
    assert len(lines) == 2 + 3
    assert rows_of([]) == []


def test_the_table_is_a_recorded_run() -> None:
    """With the identity of what it follows from, and rows of text."""
    results = [result("gspo", 0.4, 0.5, 0.6) | {"started_from": "a", "ranker": "b", "data_sha256": "c", "versions": {}}]
    run = recorded(results, "grid", "Grid", "precis train")
    assert (run.name, run.title, run.command) == ("grid", "Grid", "precis train")
    assert run.config["cells"] == [results[0]["config"]]
    again = recorded([results[0] | {"ranker": "other"}], "grid", "Grid", "precis train")
    assert len(run.config_sha256) == 64
    assert run.config_sha256 != again.config_sha256
    (printed,) = run.tables
    assert printed.head[:3] == ("cell", "seeds", "ndcg_at_10")
    assert [row[:3] for row in printed.rows] == [("start", "1", "0.5"), ("gspo, quadratic, w = 0.4", "1", "0.6")]
