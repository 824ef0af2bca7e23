"""The fault harness: random, reproducible updates through real processes while faults hit them, and a checker.

Protocol of a run
    1. A run is a shuffled deck of faults, every kind equally often, dealt into *segments*. A segment is a world of its
       own: fresh topics, fresh jobs, its own group; so an interrupted run goes on with the segment that is missing
       (``--resume``), and runs of many seeds add up. Deck, updates and times come from the seed alone; how the
       processes interleave does not.
    2. A segment starts broker, store, engine (``engine``: a pure function of the prompt), nearline workers and scorer
       as real processes. The services run their own ``main`` below ``launch``, which only shifts their wall clock,
       pauses between steps, and breaks one step where a mutant is asked for.
    3. Updates stream all the time (``workload``), at most so many ahead of what is committed. Each record carries its
       number in a header, so what the log holds is known afterwards, whatever the broker said about it.
    4. Faults strike one after the other while updates are at work: wait until the workers have records in flight, note
       whether they had, inject, hold, heal, wait until every process is up again.
    5. Meanwhile the probe asks the scorer strictly and judges each answer against the store (``freshness``).
    6. At the end nothing is published any more: wait until every record is committed and every fallback is mended, then
       compare store, changelog and dead letters with the oracle (``oracle``, ``verdict``).

What the checker may assume
    - The broker keeps what it acknowledged. The oracle reads the *log itself* (every record, by partition and offset),
      so a send that failed ambiguously is judged by whether it stands there. An acknowledged place that does not hold
      its record is a broken rig, not a finding, and ends the run.
    - The undisturbed end state is a pure function of the log: one job lives in one partition, records of one key are
      processed in order, and versions, ties and places decide as DESIGN 4 step 1 says. Coalescing does not change it:
      the workload puts a version conflict between undecodable records of its key, which no group spans.
    - Rev grows with each write of a job, whatever the clock does.

The counts
    ``lost``: a job that is missing, or differs from the oracle in state, version, header, content hash or summary, or
    is there though no record made it, or whose posting is not that of its document. ``misordered``: an older version
    stands although the newer one was written once (the changelog has it), or the store was seen to go back. ``stale``:
    see ``freshness``. ``duplicate_visible``: one job twice in an answer, or published under another key.
    ``changelog_behind``: a key whose last record, read from the beginning by a fresh consumer, is not the stored
    document. ``dead_lettered``: distinct original places in the dead-letter topic, compared with the oracle's as a set:
    a place that is dead-lettered twice (at least once) counts once. ``stuck``: a process was not up again in 90 s after
    a fault, or records were not committed 150 s after the last one.
"""
