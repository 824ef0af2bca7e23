"""The foreground of `precis engine run`: says what happens, stops on Ctrl-C and SIGTERM."""

from pathlib import Path

from rich.console import Console

from ops.commands.keep import stop_on_signals
from ops.engine.prepare import Prepared
from ops.engine.process import RunningEngine
from ops.settings import environment_for
from schemas.errors import BackendProtocolError

__all__ = ["serve"]


def serve(prepared: Prepared, *, log_folder: Path) -> None:
    """Run an engine until Ctrl-C or SIGTERM.

    Raises:
        BackendUnavailable: It did not start, or ended.
        BackendProtocolError: It fails the bundle's canaries.
    """
    stop_on_signals()
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    engine, task = prepared.engine, prepared.task
    manifest = task.bundle.manifest
    log_file = log_folder / f"{engine}-{task.role}-{task.port}.log"
    running = RunningEngine(prepared, log_file=log_file, inherited=environment_for({}))
    console.print(
        f"{engine}: {task.role} {manifest.name} ({task.bundle.revision}), {task.dtype} on {task.device}, "
        f"{task.threads} threads, context {task.context_tokens}, {task.kv_bytes >> 20} MiB of keys and values"
    )
    console.print(f"log   {log_file}", markup=False)
    try:
        with running:
            with console.status("starting") as status:
                seconds = running.start()
                status.update("checking the canaries")
                verdict = running.check()
            if verdict.problems:
                problems = "; ".join(verdict.problems)
                raise BackendProtocolError(problems, backend=engine.value, operation="canaries")
            console.print(f"[bold green]ready[/] {running.url}  after {seconds:.0f} s; {verdict.remark}; Ctrl-C stops")
            running.watch()
    except KeyboardInterrupt:
        console.print("stopped")
