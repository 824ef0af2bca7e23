"""What a run says: the rows of the issue's JSON, and what fails the gate."""

from ops.engine.launch import Dtype, EngineName
from ops.engine.parity.judge import ScoreFigures, TextFigures
from ops.engine.parity.report import EngineRow, ParityReport

ALL_EQUAL = TextFigures(16, 16, ())


def row(dtype=Dtype.FLOAT32, *, failures=(), texts=ALL_EQUAL, problems=()):
    scores = ScoreFigures(240, 0.22, 3e-7, 1.0, tuple(failures))
    return EngineRow(EngineName.VLLM, dtype, 1e-5, scores, texts, tuple(problems), 12.34)


def report(*rows):
    return ParityReport("ranker r1", "summarizer r2", 0.22, 0, rows)


def test_a_row_has_the_figures_by_name():
    """As `precis engine parity --json` promises."""
    (found,) = report(row()).as_dict()["engines"]
    promised = {
        "engine": "vllm",
        "dtype": "float32",
        "pairs": 240,
        "score_std": 0.22,
        "max_abs_diff": 3e-7,
        "tau": 1.0,
        "texts_equal": True,
        "texts": 16,
    }
    assert promised.items() <= found.items()


def test_what_gave_no_answers_has_no_figures_and_fails():
    """A null is neither 0 nor equal."""
    gone = EngineRow(EngineName.VLLM, Dtype.FLOAT32, 1e-5, None, None, ("the ranker gave no answers: gone",), 1.0)
    found = report(gone)
    (fields,) = found.as_dict()["engines"]
    assert (fields["pairs"], fields["max_abs_diff"], fields["texts_equal"]) == (None, None, None)
    assert found.failures == ("vllm in float32: the ranker gave no answers: gone",)
    assert found.as_dict()["ok"] is False


def test_one_text_that_differs_is_not_equal():
    """All of them, or false."""
    (fields,) = report(row(texts=TextFigures(16, 15, ("text 3 differs",)))).as_dict()["engines"]
    assert (fields["texts_equal"], fields["num_texts_equal"]) == (False, 15)


def test_float32_is_the_gate_and_bfloat16_a_report():
    """Rounding is no fault of an engine."""
    assert report(row(Dtype.BFLOAT16, failures=["drift"])).failures == ()
    assert report(row(Dtype.BFLOAT16, failures=["drift"])).as_dict()["engines"][0]["failures"] == ["drift"]
    assert report(row(failures=["drift"], problems=["seam"])).failures == (
        "vllm in float32: seam",
        "vllm in float32: drift",
    )
