"""`precis store init` makes what is missing, twice if need be; wrong settings are told in their own terms."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from ops.settings import PROJECT_ROOT, environment_for
from ops.standin import KvStandIn
from schemas.errors import BackendError, ConfigurationError
from store.couchbase import CouchbaseStore, provision
from tests.doubles.documents import summary_document
from tests.integration.standin.clients import cluster_of
from tests.integration.standin.stores import config_of

Init = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def init(kv_standin: KvStandIn) -> Init:
    """Runs the command with these settings changed."""

    def run(**changes: str) -> "subprocess.CompletedProcess[str]":
        settings = {
            "url": kv_standin.connection_string,
            "username": kv_standin.username,
            "password": kv_standin.password,
            "scope": "made-by-command",
        }
        overrides = {f"store.couchbase.{name}": value for name, value in (settings | changes).items()}
        environment = environment_for({"store.kind": "couchbase"} | overrides)
        command = [sys.executable, "-m", "ops.cli", "store", "init"]
        return subprocess.run(
            command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


async def test_init_makes_everything_and_the_second_time_nothing(kv_standin: KvStandIn, init: Init) -> None:
    """Twice exit 0 and the same words; what was written between stays."""
    first = init()
    assert (first.returncode, first.stdout) == (
        0,
        "bucket 'precis' has scope 'made-by-command' with its collections\n",
    ), first.stderr
    store = await CouchbaseStore.open(config_of(kv_standin, scope="made-by-command"))
    await store.put(summary_document("job-1"), cas=None)
    second = init()
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert await store.get("job-1") is not None
    await store.close()


def test_init_with_a_wrong_password_says_so(init: Init) -> None:
    """Exit 2, the user is named, the password is not."""
    done = init(password="letmein")
    assert done.returncode == 2
    assert "Couchbase refuses user 'precis' or the password" in done.stderr
    assert "letmein" not in done.stderr + done.stdout


async def test_a_wrong_bucket_is_named(kv_standin: KvStandIn) -> None:
    """Opening a store does not make buckets: a misspelt one is a setting to correct."""
    config = config_of(kv_standin, bucket="precise", connect_timeout_s=1.5)
    with pytest.raises(ConfigurationError, match=r"no bucket 'precise'.*precis store init"):
        await CouchbaseStore.open(config)


@pytest.mark.parametrize("is_scope_made", [False, True])
async def test_a_missing_collection_is_named(kv_standin: KvStandIn, is_scope_made: bool) -> None:
    """A scope or collection that nobody made is told from a node that is away."""
    await provision(config_of(kv_standin))  # the bucket is there
    config = config_of(kv_standin, connect_timeout_s=1.5)
    if is_scope_made:
        cluster = cluster_of(kv_standin)
        cluster.bucket(kv_standin.bucket).collections().create_scope(config.scope)
        cluster.close()
    with pytest.raises(ConfigurationError, match=r"no collection 'postings' of scope 'test-.*precis store init"):
        await CouchbaseStore.open(config)


async def test_nobody_at_the_address_is_a_backend_error(standin: KvStandIn) -> None:
    """The settings may be right: it is worth another try."""
    standin.stop()
    with pytest.raises(BackendError) as caught:
        await provision(config_of(standin, connect_timeout_s=1.0))
    assert caught.value.retryable
