"""The nearline service as a process of its own, with a scripted engine: the composition root as production runs it.

Run by ``test_process_signals``: ``python nearline_process.py '{"bootstrap": ..., ...}'``.
"""

import json
import sys
from pathlib import Path

from store.sqlite import SqliteStore
from stream.bootstrap import run_nearline
from stream.config import NearlineConfig
from stream.drift.config import DriftConfig
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer, digest_text


class HoldingSummarizer(ScriptedSummarizer):
    """Answers so many calls, then none: who asks is at work until it is stopped or killed.

    While the file ``turned`` is there its answers are other ones, under the same revision.
    """

    def __init__(self, num_answers: int | None, turned: Path) -> None:
        super().__init__(lambda ids: "another text" if turned.exists() else digest_text(ids))
        self._num_answers = num_answers

    async def arriving(self) -> None:
        if self._num_answers is not None and len(self.calls) >= self._num_answers:
            self.hold()


def main(arguments: str) -> int:
    given = json.loads(arguments)
    config = NearlineConfig(
        bootstrap_servers=given["bootstrap"],
        log_id=given["log_id"],
        summarizer_bundle=Path(given["summarizer_bundle"]),
        ranker_bundle=Path(given["ranker_bundle"]),
        max_in_flight=4,
        window=32,
        session_timeout_s=given["session_timeout_s"],
        stop_timeout_s=given["stop_timeout_s"],
        commit_interval_s=0.1,
        canary_interval_s=given["canary_interval_s"],
        http_port=given["http_port"],
        drift=DriftConfig(queries=("nurse",), share=1.0, max_pairs_per_minute=1e6) if given["ranker"] else None,
    )

    async def open_store() -> SqliteStore:
        return await SqliteStore.open(Path(given["store"]))

    async def open_summarizer() -> HoldingSummarizer:
        return HoldingSummarizer(given["num_answers"], Path(given["store"]).with_name("turned"))

    async def open_ranker() -> LexicalRanker:
        ranker = LexicalRanker()
        if given["ranker"] == "holds":
            ranker.hold()
        return ranker

    return run_nearline(config, open_store=open_store, open_summarizer=open_summarizer, open_ranker=open_ranker)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
