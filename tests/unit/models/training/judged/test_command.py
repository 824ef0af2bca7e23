"""`precis data judged`."""

from pathlib import Path

from models.labels.agreement import read_gold
from models.labels.pairs import read_pairs, read_posting_texts
from models.training.judged.__main__ import main


def test_the_files_are_pairs_and_gold_of_one_another(shared_data: Path, tmp_path: Path, capsys) -> None:
    """What `precis label` reads; the same options give the same bytes."""
    command = ["--judged-data", str(shared_data), "--queries", "6"]
    assert main(["--out", str(tmp_path / "a"), *command]) == 0
    assert "6 queries over" in capsys.readouterr().out
    pairs = list(
        read_pairs(tmp_path / "a" / "judged.jsonl.gz", read_posting_texts(tmp_path / "a" / "postings.jsonl.gz"))
    )
    assert len(pairs) == len(read_gold(tmp_path / "a" / "judged.jsonl.gz")) > 100
    assert all(pair.facts for pair in pairs)
    main(["--out", str(tmp_path / "b"), *command])
    assert [path.read_bytes() for path in sorted((tmp_path / "a").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "b").iterdir())
    ]


def test_without_the_data_it_says_so(tmp_path: Path, capsys) -> None:
    """By name, without a traceback."""
    assert main(["--out", str(tmp_path / "a"), "--judged-data", str(tmp_path)]) == 2
    assert "lack emscad.jsonl.gz" in capsys.readouterr().err
