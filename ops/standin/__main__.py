"""`python -m ops.standin --data DIR --port P`: the stand-in for Couchbase's key-value service, as a process."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from ops.standin.cluster import Cluster
from ops.standin.configuration import Node
from ops.standin.journal import Journal, JournalInUse
from ops.standin.management import Management, serve
from ops.standin.sasl import Account
from ops.standin.server import KeyValueServer

__all__ = ["main"]

_LOG = logging.getLogger("ops.standin")
_HOST = "127.0.0.1"


async def run(journal_file: Path, port: int, http_port: int, account: Account) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        JournalInUse: Another process serves this file.
        OSError: A port cannot be listened on.
        sqlite3.Error: The journal cannot be written.
    """
    journal = Journal(journal_file)
    cluster = Cluster(journal)
    node = Node(_HOST, port, http_port, revision=cluster.num_starts)
    server = KeyValueServer(cluster, account, node)
    await server.start()
    management = serve(Management(cluster, node, server.faults), account, node)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _LOG.warning(
        "TEST EQUIPMENT, not Couchbase Server: a stand-in for its key-value service, one node, no replicas, no "
        "queries, no encryption. Data in %r, key-value port %d, management port %d, process start %d",
        str(journal_file),
        port,
        http_port,
        cluster.num_starts,
    )
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((stopped, server.failure), return_when=asyncio.FIRST_COMPLETED)
    if server.failure.done():
        server.failure.result()
    await server.close()
    await asyncio.to_thread(management.shutdown)
    journal.close()
    _LOG.warning("stopped")


def main() -> int:
    """Read the command line and serve.

    Returns:
        Exit status: 0 stopped by a signal, 1 it could not go on.
    """
    parser = argparse.ArgumentParser(prog="python -m ops.standin", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the journal; made where it is missing")
    parser.add_argument("--port", type=int, required=True, help="port of the key-value service")
    parser.add_argument("--http-port", type=int, required=True, help="port of the management service")
    parser.add_argument("--username", default="precis", help="name of the one user")
    parser.add_argument("--password", default="stand-in", help="password of the one user; guards nothing")
    chosen = parser.parse_args()
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    chosen.data.mkdir(parents=True, exist_ok=True)
    account = Account(chosen.username, chosen.password)
    try:
        asyncio.run(run(chosen.data / "standin.sqlite3", chosen.port, chosen.http_port, account))
    except (JournalInUse, OSError) as error:
        _LOG.error("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
