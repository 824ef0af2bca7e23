"""What to do about a dead letter, by why it is one. Pure."""

from ops.dlq.letters import Letter

__all__ = ["advice"]

_REPLAY_WOULD_FAIL = "A replay of these bytes would be refused again: publish the job anew, under a higher version."
_BY_ERROR = {
    "InvalidInput": (
        "The record cannot be read as a job update or its posting cannot be served; the message says which part. "
        f"Mend the publisher. {_REPLAY_WOULD_FAIL} Replay only where this service was what was wrong, after its fix."
    ),
    "UnknownSchema": (
        "The record names a schema that this version does not know. If the publisher is ahead of the service: "
        "upgrade the service, then replay. If the name is a mistake: mend the publisher and publish the job anew."
    ),
    "PostingTooLarge": (
        f"The record is over the size limit. Have the publisher shorten the posting. {_REPLAY_WOULD_FAIL}"
    ),
    "PromptTooLong": (
        "The engine's context is shorter than the bundle's limits: start the engine with the bundle's full context "
        "length, then replay."
    ),
    "VersionConflict": (
        "Another posting is stored under the same version of this job, and it stays. Have the publisher raise the "
        f"version with every change. {_REPLAY_WOULD_FAIL}"
    ),
    "BackendProtocolError": (
        "An engine or the broker answered in another form than agreed: see that the engine serves the bundle it "
        "should and passes its canaries (`/readyz` of the nearline service), then replay."
    ),
}
_UNPLANNED = (
    "An error that nobody planned for, on every attempt: the nearline service's log has its traceback at this place. "
    "Mend the cause, then replay."
)
_FOREIGN = (
    "This record was not written by the nearline service: it does not say where it came from, so it cannot be replayed."
)


def advice(letter: Letter, *, num_replays: int) -> str:
    """What an operator should do, in a sentence or two.

    Args:
        letter: The dead letter.
        num_replays: How often it was replayed so far.
    """
    if letter.origin is None:
        return _FOREIGN
    if num_replays:
        return (
            "It was replayed: if it was refused again, that is a letter of its own, with the attempts added up. "
            "Nothing is left to do here; `--again` replays it once more."
        )
    return _BY_ERROR.get(letter.error, _UNPLANNED)
