"""Every store can be closed, twice, and says so to those who come after."""

import pytest

from schemas.errors import BackendUnavailable
from store.ports import Store
from tests.doubles.documents import summary_document


async def test_close_is_idempotent(store: Store) -> None:
    """Shutting down twice is no error."""
    await store.close()
    await store.close()


async def test_a_closed_store_is_unavailable(store: Store) -> None:
    """A call after ``close`` is refused as what it is, never half done."""
    await store.close()
    with pytest.raises(BackendUnavailable, match="closed"):
        await store.get("job-1")
    with pytest.raises(BackendUnavailable, match="closed"):
        await store.put(summary_document(), cas=None)
