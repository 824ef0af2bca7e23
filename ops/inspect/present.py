"""A job's story as people read it, and as one JSON object."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.inspect.explain import explain, problems_of
from ops.inspect.story import Story
from ops.numbers import age_text

__all__ = ["story_fields", "story_view"]


def story_view(story: Story) -> RenderableType:
    """Facts, then what is wrong, then the paragraph."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _rows(story):
        facts.add_row(name, Text(value))
    parts: list[RenderableType] = [Text(story.job_id, style="bold"), facts]
    parts += [Text(f"! {problem}", style="yellow") for problem in problems_of(story)]
    return Group(*parts, Text(), Text(explain(story)))


def story_fields(story: Story) -> dict[str, Any]:
    """All of it. Token ids are left out: they are a cache."""
    document, tail = story.document, story.changelog
    return {
        "job_id": story.job_id,
        "as_of": story.as_of.isoformat(),
        "document": document.model_dump(mode="json", exclude={"item_tokens"})
        | {"item_version": document.item_version, "item_token_digests": sorted(document.item_tokens)}
        if document
        else None,
        "posting": {
            "source_version": story.posting.source_version,
            "content_hash": story.posting.content_hash,
            "hash_matches": document is not None and story.posting.content_hash == document.content_hash,
        }
        if story.posting
        else None,
        "cached_scores": story.num_scores,
        "origin_record": story.origin.value if story.origin else None,
        "changelog": {
            "state": story.published.value,
            "place": tail.place if tail else None,
            "log_time": tail.log_time.isoformat() if tail else None,
            "rev": tail.document.rev if tail and tail.document else None,
        },
        "dead_letters": [
            {
                "place": str(letter.place),
                "error": letter.error,
                "message": letter.message,
                "attempts": letter.attempts,
                "is_replayed": str(letter.place) in story.replayed,
            }
            for letter in story.letters
        ],
        "waiting": [
            {"lane": record.lane, "place": record.place, "says": record.says, "version": record.version}
            for record in story.waiting
        ],
        "requests": None
        if story.requests is None
        else [{"place": it.place, "reason": it.reason, "generation": it.generation} for it in story.requests],
        "problems": problems_of(story),
        "explanation": explain(story),
    }


def _rows(story: Story) -> list[tuple[str, str]]:
    document = story.document
    rows = [("state", "nothing is stored")]
    if document is not None:
        by = document.summarizer
        origin = document.origin
        rows = [
            ("state", f"{document.state}, version {document.source_version}, rev {document.rev}"),
            ("header", document.header or "none"),
            ("summary", document.summary or "none"),
            ("tokens", f"{document.num_tokens.raw} raw, {document.num_tokens.item} as an item"),
            ("item version", document.item_version),
            ("summarizer", f"{by.model}, {by.revision}, {by.prompt_version}" if by else "none: no model wrote it"),
            ("generation", str(document.generation)),
            ("event", document.event_time.isoformat() if document.event_time else "a tombstone: none"),
            ("written", f"{document.summarized_at.isoformat()} ({_ago(story)})"),
            ("origin", f"{origin.topic}[{origin.partition}]@{origin.offset} of log {origin.log}: {story.origin}"),
        ]
    posting, tail = story.posting, story.changelog
    at = f" at {tail.place}, {tail.log_time.isoformat()}" if tail else ""
    letters = ", ".join(
        f"{it.place} {it.error}{' (replayed)' if str(it.place) in story.replayed else ''}" for it in story.letters
    )
    rows += [
        ("posting", _posting(story) if posting else "not stored"),
        ("changelog", f"{story.published}{at}"),
        ("cached scores", f"listed under {story.num_scores} queries"),
        ("dead letters", letters or "none"),
        ("waiting", ", ".join(f"{it.says} at {it.place} ({it.lane})" for it in story.waiting) or "none"),
    ]
    if story.requests is not None:
        rows.append(("re-summarise", ", ".join(f"{it.reason} at {it.place}" for it in story.requests) or "no request"))
    return rows


def _ago(story: Story) -> str:
    assert story.document is not None, "only a stored document has an age"
    return f"{age_text((story.as_of - story.document.summarized_at).total_seconds())} ago"


def _posting(story: Story) -> str:
    assert story.posting is not None, "only a stored posting is described"
    matches = story.document is not None and story.document.content_hash == story.posting.content_hash
    return f"version {story.posting.source_version}, body {'as' if matches else 'not as'} summarised"
