"""Run as a process of its own: a scorer's near-cache without the scorer, that a test may kill.

python near_process.py PATH BOOTSTRAP LOG_ID TOPIC      prints a line when it feeds and its file is caught up
"""

import asyncio
import sys
from pathlib import Path

from serve.near_cache.config import NearCacheConfig
from serve.near_cache.service import NearCache
from serve.telemetry import Telemetry


def near_cache(path: Path, bootstrap: str, log_id: str, topic: str, scannable=None) -> NearCache:
    """A near-cache as the scorer makes it, with a tokenizer that counts letters."""
    config = NearCacheConfig(path=path, bootstrap_servers=bootstrap, log_id=log_id, topic=topic, retry_s=0.1)
    return NearCache(
        config,
        prompt_digest="digest",
        tokenise=lambda header, summary: [len(header), len(summary)],
        scannable=scannable,
        telemetry=Telemetry(),
    )


async def main(path: str, *address: str) -> None:
    """Feed until killed."""
    near = near_cache(Path(path), *address)
    near.start()
    has_said = False
    while True:
        facts = await near.facts()
        if facts["is_feeding"] and facts["lag_s"] is not None and not has_said:
            has_said = True
            sys.stdout.write("feeding\n")
            sys.stdout.flush()
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
