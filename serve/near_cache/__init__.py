"""The near-cache: what scoring reads of every summary, in one SQLite file a machine, fed from ``job-summaries``.

One *feeder* writes the file; any number of scorer processes of the machine read it, through the system's page cache,
which they share. So starting is opening the file and going on from the offsets in it, and memory does not grow with
the catalogue. The protocol (``feed`` does it, ``policy`` decides, ``file`` keeps, ``read`` reads):

1. *Election.* A process that holds the lock file feeds; the system releases it when the process dies, however it dies,
   and another takes over. The lock file is never removed.
2. *Start.* Compare the file with the log: RESUME at its offsets, or BUILD anew where it is of another log, topic,
   partitions or prompt, stands outside of what the log has, or is older than half of ``delete.retention``. (A reader
   away for longer could miss a deletion: its null may be compacted away.) A damaged file is removed and built anew.
3. *Build.* Where the store can be scanned: note the end offsets, empty the file, scan the store into it, and go on from
   the noted offsets. What was published before them was stored before the scan began. Elsewhere the compacted topic
   holds the last document of every key (DESIGN 3, c): go on from its beginning, which must be there.
4. *Ask.* Take the time t, then ask the broker for its end offsets. They are at least what was acknowledged before t.
   Ends below the file's offsets mean that the log was made anew: back to 2.
5. *Apply.* Fetch a batch. Of each key only a higher rev replaces a row; a null removes it; a deleted document stays, as
   deleted. A record that this build cannot read removes the row, so that the store is asked.
6. *Commit.* Rows and offsets in one transaction; with them t as the moment of being *caught up*, where the offsets have
   reached all ends of step 4. Then 4 again.
7. *Read.* One read transaction gives the moment and the rows. lag = the reader's time - the moment, on the machine's
   clock since boot, which all processes share and nobody sets.

Invariants. (i) At a lag of L the rows hold every document published L before the read, or a later one. (ii) A row's rev
never falls, unless the file is built anew, and nothing is served between. (iii) Offsets in the file are those of its
rows: killed anywhere, a feeder's successor goes on where the rows stand. (iv) Nothing the feeder meets makes lag look
smaller: a silent broker, a stopped process or a lost file only let it grow, and a call over its bound turns strict.

What (i) leaves out is the gap between a write to the store and its publication (``precis_nearline_stage_seconds``,
stage ``publish``); and a topic made anew under the same ``kafka.log_id`` that has grown beyond the file's offsets
before the feeder sees it: that setting says so.
"""
