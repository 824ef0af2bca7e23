"""Charts as SVG files whose bytes depend on the data only. The one module that knows matplotlib."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from models.training.report.chapter import Chart, Picture, Series

__all__ = ["draw"]

_SIZE_IN = (7.0, 4.0)
_BAR = 0.8


def draw(picture: Picture, folder: Path) -> Path:
    """Write ``<name>.svg`` and return its path."""
    # A fixed salt for the ids in the file, and no date: the same data give the same bytes. Text stays text.
    with mpl.rc_context({"svg.hashsalt": picture.name, "svg.fonttype": "none"}):
        canvas = Canvas(figsize=_SIZE_IN, layout="constrained")
        axes = canvas.add_subplot()
        axes.set_title(picture.title, fontsize=11)
        axes.set_xlabel(picture.x_label)
        axes.set_ylabel(picture.y_label)
        axes.grid(visible=True, alpha=0.3)
        if picture.chart is Chart.BARS:
            _bars(axes, picture)
        else:
            for series in picture.series:
                axes.errorbar(
                    series.x, _values(series), yerr=_errors(series), marker="o", capsize=3, label=series.label
                )
        if len(picture.series) > 1:
            axes.legend()
        file = folder / f"{picture.name}.svg"
        canvas.savefig(file, metadata={"Date": None})
    return file


def _bars(axes: Axes, picture: Picture) -> None:
    """Bars side by side, names below; horizontal where there are many names."""
    names = list(map(str, picture.series[0].x))
    height = _BAR / len(picture.series)
    for place, series in enumerate(picture.series):
        at = [index + place * height for index in range(len(names))]
        axes.barh(at, _values(series), height, xerr=_errors(series), capsize=3, label=series.label)
    axes.set_yticks([index + _BAR / 2 - height / 2 for index in range(len(names))], names)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(picture.y_label)
    axes.set_ylabel("")


def _values(series: Series) -> list[float]:
    return [interval.value for interval in series.y]


def _errors(series: Series) -> list[list[float]]:
    # An interval by percentiles may end beside its value; a length of an error bar may not be negative.
    return [
        [max(0.0, interval.value - interval.low) for interval in series.y],
        [max(0.0, interval.high - interval.value) for interval in series.y],
    ]
