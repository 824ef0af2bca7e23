"""`precis dlq list`, `show`, `replay`: put together from settings."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import track

from ops.dlq.filters import Filters
from ops.dlq.letters import Box, Letter, Place, read_letter, read_mark
from ops.dlq.present import letter_fields, letter_view, letters_table, original_fields, print_lines
from ops.dlq.read import read_box, read_original
from ops.dlq.replay import Plan, Replayer, Skip, make_plan
from ops.lag.lanes import lanes_of
from ops.runfile import resolve
from ops.settings import Settings
from ops.topic_reader import TopicReader
from schemas.errors import BackendError, ConfigurationError

__all__ = ["list_letters", "replay_letters", "show_letter"]

_TABLE_LIMIT = 100
_MAX_LISTED = 20


async def list_letters(settings: Settings, filters: Filters, *, with_replayed: bool, as_json: bool) -> int:
    """Print the letters that fit, oldest first: a table, or one JSON object a line.

    Args:
        settings: Where.
        filters: Which.
        with_replayed: Whether those are listed too that were replayed.
        as_json: For machines.

    Returns:
        Exit status.
    """
    bootstrap, _, _ = resolve(settings)
    async with TopicReader(bootstrap) as reader:
        box = await read_box(reader, settings.topics.dead_letters)
    fitting = filters.choose(box.letters)
    shown = fitting if with_replayed else [letter for letter in fitting if not box.replays(letter)]
    console = Console()
    if as_json:
        print_lines(console, (letter_fields(letter, box) for letter in shown[: filters.limit]))
        return 0
    listed = shown[: filters.limit or _TABLE_LIMIT]
    if listed:
        console.print(letters_table(listed, box, now=datetime.now(UTC)))
    console.print(_footer(box, listed=len(listed), fitting=len(shown), replayed=len(fitting) - len(shown)))
    return 0


async def show_letter(settings: Settings, place: Place, *, as_hex: bool, as_json: bool) -> int:
    """Print one letter in full: why, headers, bytes, history, what to do.

    Returns:
        Exit status.

    Raises:
        ConfigurationError: No letter stands there.
    """
    bootstrap, _, _ = resolve(settings)
    topic = settings.topics.dead_letters
    async with TopicReader(bootstrap) as reader:
        record = await read_original(reader, topic, place)
        if mark := read_mark(record):
            raise ConfigurationError(f"{place} is no letter: it marks the replay of letter {mark.of} to {mark.to}")
        box = await read_box(reader, topic)
    letter = read_letter(record)
    console = Console()
    if as_json:
        print_lines(console, [original_fields(letter, record, box)])
    else:
        console.print(letter_view(letter, record, box, as_hex=as_hex), soft_wrap=True)
    return 0


async def replay_letters(
    settings: Settings, filters: Filters, *, is_dry: bool, is_sure: bool, is_again: bool, as_json: bool
) -> int:
    """Publish the letters that fit again.

    Args:
        settings: Where.
        filters: Which.
        is_dry: Only say what would be done.
        is_sure: Do not ask.
        is_again: Those too that were replayed before.
        as_json: One JSON object a replayed letter, for machines; needs ``is_sure`` or ``is_dry``.

    Returns:
        Exit status: 1 where one could not be published.

    Raises:
        ConfigurationError: Nobody is there to be asked.
    """
    bootstrap, _, _ = resolve(settings)
    topic, console = settings.topics.dead_letters, Console(stderr=as_json)
    async with TopicReader(bootstrap) as reader:
        box = await read_box(reader, topic)
        plan = make_plan(
            filters.choose(box.letters),
            box,
            consumed=[lane.topic for lane in lanes_of(settings)],
            is_again=is_again,
            limit=filters.limit,
        )
        missing = set(filters.places) - {letter.place for letter in box.letters}
        if missing:
            named = ", ".join(str(place) for place in sorted(missing))
            raise ConfigurationError(f"{topic!r} has no letter at {named}: `precis dlq list --all` has places")
        _print_plan(console, plan, box)
        if is_dry or not plan.chosen:
            if as_json:
                print_lines(Console(), (letter_fields(letter, box) for letter in plan.chosen))
            return 0
        if not (is_sure or _is_confirmed(console, plan, as_json=as_json)):
            console.print("nothing was replayed")
            return 0
        async with Replayer(bootstrap, reader, topic, clock=lambda: datetime.now(UTC)) as replayer:
            return await _replay_all(replayer, plan.chosen, console, as_json=as_json)


async def _replay_all(replayer: Replayer, letters: Sequence[Letter], console: Console, *, as_json: bool) -> int:
    num_failed = 0
    for letter in track(letters, "replaying", console=console, transient=True, disable=not console.is_terminal):
        try:
            to = await replayer.replay(letter)
        except BackendError as error:
            num_failed += 1
            console.print(f"[red]{letter.place} was not replayed:[/] ", end="")
            console.print(str(error), markup=False)
            continue
        if as_json:
            print_lines(Console(), [{"place": str(letter.place), "job_id": letter.job_id, "to": to}])
    console.print(f"replayed {len(letters) - num_failed}, failed {num_failed}; `precis dlq list` shows what comes back")
    return 1 if num_failed else 0


def _footer(box: Box, *, listed: int, fitting: int, replayed: int) -> str:
    parts = [f"{len(box.letters)} in the topic, {listed} listed"]
    if listed < fitting:
        parts.append(f"{fitting - listed} more: --limit {fitting}")
    if replayed:
        parts.append(f"{replayed} replayed: --all shows them")
    return f"[dim]{'; '.join(parts)}"


def _print_plan(console: Console, plan: Plan, box: Box) -> None:
    for reason in Skip:
        skipped = [letter for letter, why in plan.skipped if why is reason]
        if skipped:
            named = ", ".join(str(letter.place) for letter in skipped[:_MAX_LISTED])
            more = f" and {len(skipped) - _MAX_LISTED} more" if len(skipped) > _MAX_LISTED else ""
            console.print(f"[yellow]{len(skipped)} left out[/]: {reason}: {named}{more}", highlight=False)
    if not plan.chosen:
        console.print("no letter to replay")
        return
    console.print(letters_table(plan.chosen[:_MAX_LISTED], box, now=datetime.now(UTC)))
    if len(plan.chosen) > _MAX_LISTED:
        console.print(f"[dim]and {len(plan.chosen) - _MAX_LISTED} more")


def _is_confirmed(console: Console, plan: Plan, *, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        raise ConfigurationError(
            f"{len(plan.chosen)} letters would be replayed and nobody is there to be asked: add --yes, "
            "or look first with --dry-run"
        )
    answer = console.input(f"replay {len(plan.chosen)} to where they came from? [y/N] ")
    return answer.strip().lower() in {"y", "yes"}
