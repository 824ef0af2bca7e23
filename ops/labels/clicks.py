"""`precis label clicks`: from a click log to a label file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape

from models.labels.click_log import ClickCounts, Signal, count_clicks
from models.labels.debias import ClickLabels, Debias, debiased
from models.labels.files import make_header, write_labels
from models.labels.propensity import Propensities, estimate_propensities, read_propensities
from schemas.errors import ConfigurationError, InvalidInput

__all__ = ["ClickOptions", "run_clicks"]

_DIGITS_KEPT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickOptions:
    """What the command was given."""

    log: Path
    out: Path
    signal: Signal
    min_dwell_s: float
    max_bad_lines: int
    propensities: Path | None
    """None: estimated from the log."""
    debias: Debias
    as_json: bool


def run_clicks(options: ClickOptions) -> None:
    """Do it.

    Raises:
        PrecisError: The log or the propensities cannot be used, or the output is there already.
    """
    if options.out.exists():
        raise ConfigurationError(f"{str(options.out)!r} exists: remove it, or name another file")
    counts = count_clicks(
        options.log, options.signal, min_dwell_s=options.min_dwell_s, max_bad_lines=options.max_bad_lines
    )
    if not counts.num_pages:
        raise InvalidInput(f"{options.log.name} holds no page")
    # Examination comes before any sign, and clicks are the most frequent one: they estimate it best.
    propensities = (
        read_propensities(options.propensities)
        if options.propensities
        else estimate_propensities(list(counts.cells.values()))
    )
    labels = debiased(counts.cells, propensities.values, options.debias)
    settings: dict[str, JsonValue] = {
        "signal": options.signal.value,
        "min_dwell_s": options.min_dwell_s,
        "propensities": {str(at): round(value, _DIGITS_KEPT) for at, value in sorted(propensities.values.items())},
        "propensities_from": propensities.source,
        **asdict(options.debias),
        "prior_rate": round(labels.prior_rate, _DIGITS_KEPT),
    }
    write_labels(options.out, make_header("clicks", settings), labels.rows)
    _report(options, counts, propensities, labels)


def _report(options: ClickOptions, counts: ClickCounts, propensities: Propensities, labels: ClickLabels) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in counts.bad_lines:
        console.print(f"[yellow]passed over: {escape(line)}")
    if counts.num_bad_lines > len(counts.bad_lines):
        console.print(f"[yellow]passed over: {counts.num_bad_lines - len(counts.bad_lines):,} more lines")
    told = "  ".join(f"{position}: {value:.3f}" for position, value in sorted(propensities.values.items()))
    console.print(f"propensities ({_source(propensities)})  {told}")
    if not propensities.has_converged:
        console.print("[yellow]the estimate had not come to rest: take more of the log")
    if propensities.unlinked:
        positions = ", ".join(map(str, propensities.unlinked))
        console.print(f"[yellow]no estimate for position {positions}: no clicked posting ties it to the others")
    console.print(
        f"{counts.num_pages:,} pages, {len(labels.rows):,} labels, prior {labels.prior_rate:.4f}; left out: "
        f"{labels.num_too_few:,} pairs shown less than {options.debias.min_impressions} times, "
        f"{labels.num_unplaced:,} impressions without propensity; {labels.num_clipped:,} impressions clipped"
    )
    if options.as_json:
        fields = {
            "pages": counts.num_pages,
            "bad_lines": counts.num_bad_lines,
            "labels": len(labels.rows),
            "pairs_too_few": labels.num_too_few,
            "impressions_without_propensity": labels.num_unplaced,
            "impressions_clipped": labels.num_clipped,
            "prior_rate": labels.prior_rate,
            "propensities": {str(position): value for position, value in sorted(propensities.values.items())},
            "propensities_from": propensities.source,
            "unlinked_positions": list(propensities.unlinked),
            "rounds": propensities.num_rounds,
            "converged": propensities.has_converged,
        }
        print(json.dumps(fields))  # noqa: T201 - the command's answer


def _source(propensities: Propensities) -> str:
    if propensities.source == "file":
        return "from the file"
    return f"of {propensities.num_pairs:,} pairs in the log, {propensities.num_rounds} rounds"
