"""A parity run: inputs, reference, then one engine after the other, each started, asked and stopped."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, Role, load_bundle
from models.clients.canaries import TEXT_TOKENS
from ops.engine.environments import find_environments, interpreter
from ops.engine.hardware import find_hardware
from ops.engine.launch import Dtype, EngineName, Wishes
from ops.engine.parity.ask import ask_ranker, ask_summarizer
from ops.engine.parity.inputs import Pack, Prompt, ranker_packs, summarizer_prompts
from ops.engine.parity.judge import ScoreFigures, TextFigures, judge_scores, judge_texts
from ops.engine.parity.reference import reference_scores, reference_texts
from ops.engine.parity.report import EngineRow, ParityReport
from ops.engine.parity.tolerances import TOLERANCES
from ops.engine.prepare import prepare
from ops.engine.process import RunningEngine
from ops.settings import Settings, environment_for
from ops.supervise import free_port
from schemas.errors import ConfigurationError, PrecisError

__all__ = ["ParityConfig", "installed_engines", "run_parity"]

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityConfig:
    """What is compared.

    Attributes:
        engines: Which; they must be installed.
        dtypes: In which precisions.
        ranker: Directory of its bundle.
        summarizer: Directory of its bundle.
        num_pairs: Query-item pairs that are scored.
        num_texts: Texts that are written.
        seed: Of the choice of samples.
        threads: CPU cores of the reference and of each engine.
    """

    engines: Sequence[EngineName]
    dtypes: Sequence[Dtype]
    ranker: Path
    summarizer: Path
    num_pairs: int
    num_texts: int
    seed: int = 0
    threads: int = 1


def installed_engines() -> list[EngineName]:
    """Those with a complete environment.

    Raises:
        ConfigurationError: None is.
    """
    found = [each.engine for each in find_environments(list(EngineName)) if each.state == "complete"]
    if not found:
        raise ConfigurationError("no engine is installed: run `precis engine install local vllm sglang`")
    return found


def run_parity(settings: Settings, config: ParityConfig, *, on_step: Callable[[str], None]) -> ParityReport:
    """Compare the engines with transformers.

    An engine that does not start, or stops answering, is a failure of its row; the others are compared all the same.

    Args:
        settings: Where the engine environments and the logs lie.
        config: What is compared.
        on_step: Hears what is done now.

    Raises:
        ConfigurationError: A bundle does not fit, or an engine is not installed.
        BackendUnavailable: The reference could not be made.
    """
    run = _Run(settings, config, on_step)
    rows = [run.row(engine, dtype) for dtype in config.dtypes for engine in config.engines]
    return ParityReport(
        ranker=f"{run.ranker.manifest.name} {run.ranker.revision}",
        summarizer=f"{run.summarizer.manifest.name} {run.summarizer.revision}",
        score_std=statistics.pstdev([score for scores in run.scores for score in scores]),
        seed=config.seed,
        rows=rows,
    )


class _Run:
    """Inputs and reference of a run, and what an engine makes of them."""

    def __init__(self, settings: Settings, config: ParityConfig, on_step: Callable[[str], None]) -> None:
        self._settings, self._config, self._on_step = settings, config, on_step
        self._hardware = find_hardware()
        for engine in config.engines:
            interpreter(settings.engine.home, engine)  # a missing one ends the run before the reference is made
        self.ranker = load_bundle(config.ranker.resolve(), Role.RANKER)
        self.summarizer = load_bundle(config.summarizer.resolve(), Role.SUMMARIZER)
        self._packs: tuple[Pack, ...] = ranker_packs(self.ranker, num_pairs=config.num_pairs, seed=config.seed)
        self._prompts: tuple[Prompt, ...] = summarizer_prompts(
            self.summarizer, num_texts=config.num_texts, seed=config.seed
        )
        on_step(f"transformers in float32: {config.num_pairs} scores")
        self.scores = reference_scores(settings.engine, self.ranker, self._packs, threads=config.threads)
        on_step(f"transformers in float32: {config.num_texts} texts")
        self._texts = reference_texts(settings.engine, self.summarizer, self._prompts, threads=config.threads)

    def row(self, engine: EngineName, dtype: Dtype) -> EngineRow:
        """One engine in one precision."""
        began = time.monotonic()
        problems: list[str] = []
        scores: ScoreFigures | None = None
        texts: TextFigures | None = None
        try:
            with self._serving(engine, dtype, self.ranker) as url:
                answers = asyncio.run(ask_ranker(url, self.ranker, self._packs, tolerance=TOLERANCES[dtype]))
                problems += answers.problems
                scores = judge_scores(self._packs, self.scores, answers.scores, TOLERANCES[dtype])
        except PrecisError as error:
            problems.append(f"the ranker gave no answers: {error}")
        try:
            with self._serving(engine, dtype, self.summarizer) as url:
                num_tokens = TEXT_TOKENS[dtype]
                written = asyncio.run(ask_summarizer(url, self.summarizer, self._prompts, num_tokens=num_tokens))
                problems += written.problems
                texts = judge_texts(self._texts, written.texts, [prompt.kind for prompt in self._prompts])
        except PrecisError as error:
            problems.append(f"the summarizer gave no answers: {error}")
        return EngineRow(
            engine, dtype, TOLERANCES[dtype], scores, texts, tuple(problems), seconds=time.monotonic() - began
        )

    @contextmanager
    def _serving(self, engine: EngineName, dtype: Dtype, bundle: Bundle) -> Iterator[str]:
        """The address of the engine with the bundle, while it runs."""
        role, home = bundle.manifest.role, self._settings.engine.home
        wishes = Wishes(dtype=dtype, threads=self._config.threads)
        prepared = prepare(engine, bundle, self._hardware, home=home, host=_HOST, port=free_port(), wishes=wishes)
        log_file = self._settings.data_dir.resolve() / "logs" / f"parity-{engine}-{role}-{dtype}.log"
        with RunningEngine(prepared, log_file=log_file, inherited=environment_for({})) as running:
            self._on_step(f"{engine} in {dtype}: starting the {role}")
            running.start()
            self._on_step(f"{engine} in {dtype}: asking the {role}")
            yield running.url
