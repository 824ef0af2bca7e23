"""The learning curve's file."""

from pathlib import Path

from models.training.curve import Curve


def test_a_row_holds_the_mean_loss_since_the_last_one_and_the_measure(tmp_path: Path) -> None:
    """Every second step here; a curve that is opened again adds rows under the same heading."""
    measured = iter((0.5, 0.75, 0.8))
    path = tmp_path / "new" / "ranker.curve.csv"
    curve = Curve(path, 2, lambda: next(measured))
    for step, loss in enumerate((3.0, 1.0, 0.5, 0.7, 9.0), start=1):
        curve.note(step, loss)
    Curve(path, 3, lambda: next(measured)).note(6, 0.25)
    rows = ["step,train_loss,held_out", "2,2.0000,0.5000", "4,0.6000,0.7500", "6,0.2500,0.8000"]
    assert path.read_text().splitlines() == rows
