"""CUDA graphs: the many small launches of a pass recorded once and replayed as one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def run_each_time(run: Callable[[], _T]) -> Callable[[], _T]:
    """No graph: every call launches every kernel."""
    return run


class Graphs:
    """Records functions that read and write fixed memory. Intermediate memory is shared by all of them."""

    def __init__(self) -> None:
        """Start with an empty pool."""
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, run: Callable[[], _T]) -> Callable[[], _T]:
        """A function that does what ``run`` does, the same tensors being its answer each time.

        Args:
            run: Launches kernels on fixed tensors, without looking at a value. Called twice: once as it is, which
                compiles and loads kernels, and once recorded.
        """
        return _Recorded(run, self._pool)


class _Recorded(Generic[_T]):
    """Runs, then records, then replays. A function that is called once is not worth a recording."""

    def __init__(self, run: Callable[[], _T], pool: tuple[int, int]) -> None:
        self._run = run
        self._pool = pool
        self._next = self._warm_up

    def __call__(self) -> _T:
        return self._next()

    def _warm_up(self) -> _T:
        answer = self._run()
        self._next = self._record
        return answer

    def _record(self) -> _T:
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads of the process may use CUDA meanwhile: only this one's calls are recorded and restricted.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                answer = self._run()
        except RuntimeError:
            _log.exception("engine.graph_not_recorded effect='each kernel is launched by itself: slower, not wrong'")
            self._next = self._run
            return self._run()

        def replay() -> _T:
            graph.replay()
            return answer

        self._next = replay
        return replay()
