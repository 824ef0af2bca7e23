"""What each lane does with its records: the handlers of one process, made from its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from models.bundle import Bundle
from models.clients.ports import SummarizerEngine
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from store.ports import Store
from stream.attempts import Attempts
from stream.canaries import check_canaries
from stream.changelog import SummaryChangelog
from stream.compose import Composer
from stream.config import NearlineConfig
from stream.deadletter import DeadLetters
from stream.drift.monitor import DriftMonitor
from stream.drift.tap import TappedChangelog
from stream.finish import Changelog
from stream.lanes import Handle, one_by_one
from stream.mending import Mending, ResummariseTopic, RolloutSource
from stream.process import Processor
from stream.producer import Publisher
from stream.record import RecordHandler
from stream.resummarise import ResummariseHandler, Resummariser
from stream.slots import Priority
from stream.soundness import EngineSoundness
from stream.summarize import Summarizer
from stream.telemetry import Telemetry

__all__ = ["LaneWork", "Parts", "lane_work"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers are made of.

    Attributes:
        summarizer: Bundle of the model that writes summaries.
        ranker: Bundle of the model that reads them.
        store: Where documents live.
        engine: Who writes summaries.
        publisher: Publishes, durably.
        rollout: The latest roll-out.
        telemetry: Where things are counted.
        monitor: Is shown what is published; None: nobody is.
    """

    summarizer: Bundle
    ranker: Bundle
    store: Store
    engine: SummarizerEngine
    publisher: Publisher
    rollout: RolloutSource
    telemetry: Telemetry
    monitor: DriftMonitor | None = None


@dataclass(frozen=True, slots=True)
class LaneWork:
    """What a lane does.

    Attributes:
        handle: Finishes records.
        is_held: Whether it takes nothing for now.
    """

    handle: Handle
    is_held: Callable[[], bool] = lambda: False


def lane_work(config: NearlineConfig, parts: Parts) -> dict[Priority, LaneWork]:
    """The work of each lane.

    Raises:
        ConfigurationError: A bundle's tokenizer does not fit its prompt.
    """
    telemetry = parts.telemetry
    ranker = parts.ranker.manifest
    reader, writer = _tokenizers(parts)
    prompt = RankerPrompt(reader, ranker.limits)
    composer = Composer(prompt, limits=ranker.limits)
    summarizer = _summarizer(config, parts, writer, prompt)
    changelog = _changelog(config, parts)
    requests = ResummariseTopic(parts.publisher, config.topics.resummarise)
    mending = Mending(parts.rollout, requests, revision=parts.summarizer.revision, telemetry=telemetry)
    attempts = _attempts(config, parts)
    processor = Processor(
        store=parts.store,
        summarizer=summarizer,
        changelog=changelog,
        composer=composer,
        clock=_now,
        deleted_ttl_s=config.deleted_ttl_s,
        telemetry=telemetry,
        mending=mending,
    )
    resummariser = Resummariser(
        store=parts.store,
        summarizer=summarizer,
        changelog=changelog,
        composer=composer,
        mending=mending,
        clock=_now,
        telemetry=telemetry,
    )
    resummarise = ResummariseHandler(resummariser, attempts, mending, pause_s=config.pause_s, telemetry=telemetry)
    return {
        **{
            lane.priority: LaneWork(
                RecordHandler(
                    processor,
                    attempts,
                    stored=parts.store.get,
                    log_id=config.log_id,
                    telemetry=telemetry,
                    lane=lane.name,
                    is_backfill=lane.priority is Priority.BACKFILL,
                ).handle_group
            )
            for lane in config.lanes
            if lane.priority is not Priority.RESUMMARISE
        },
        Priority.RESUMMARISE: LaneWork(one_by_one(resummarise.handle), resummarise.is_held),
    }


def _changelog(config: NearlineConfig, parts: Parts) -> Changelog:
    changelog = SummaryChangelog(parts.publisher, config.topics.summaries)
    return changelog if parts.monitor is None else TappedChangelog(changelog, parts.monitor.offer)


def _attempts(config: NearlineConfig, parts: Parts) -> Attempts:
    canaries = partial(check_canaries, parts.engine, parts.summarizer, config, parts.telemetry)
    return Attempts(
        DeadLetters(parts.publisher, config.topics.dead_letters, log_id=config.log_id),
        max_tries=config.max_tries,
        retry_budget_s=config.retry_budget_s,
        pause_s=config.pause_s,
        telemetry=parts.telemetry,
        is_sound=EngineSoundness("summarizer", canaries).is_sound,
    )


def _tokenizers(parts: Parts) -> tuple[TextTokenizer, TextTokenizer]:
    """The ranker's and the summarizer's; one for both where they are the same, so that a body is tokenised once."""
    reader, writer = (TextTokenizer.from_file(bundle.tokenizer_file) for bundle in (parts.ranker, parts.summarizer))
    return reader, reader if reader.digest == writer.digest else writer


def _summarizer(config: NearlineConfig, parts: Parts, tokenizer: TextTokenizer, reader: RankerPrompt) -> Summarizer:
    manifest = parts.summarizer.manifest
    return Summarizer(
        parts.engine,
        SummarizerPrompt(tokenizer, manifest.limits),
        reader.extract,
        manifest=manifest,
        budget_s=config.summary_budget_s,
        telemetry=parts.telemetry,
    )


def _now() -> datetime:
    return datetime.now(UTC)
