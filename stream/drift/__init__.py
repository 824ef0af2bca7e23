"""Drift monitor: does the ranker still say of a summary what it says of the whole text?

A summarizer is trained on the catalogue of its day. When other postings come (another mix of industries, another
style), its summaries may lose what queries ask for, and nothing fails: scores only become worse. So a small sample of
what is published is scored twice, whole and summarised, and the divergence of the two is watched.

Pure are: who is sampled and with which queries (``sampling``), the industry of a posting (``industry``), divergences
(``divergence``), the test of a window against the reference (``detector``), the order of windows (``windows``), and
the waits between calls (``pace``). Effects have: ``queries`` and ``reference_file`` (files), ``monitor`` (queue, task,
engine) and ``tap`` (where published documents are seen).

Invariants
    D1  The pipeline waits for nothing here: a document is taken or dropped at once, and a drop is counted.
    D2  Whatever engine, store or files do, records go on; each sampled posting ends in exactly one counted result.
    D3  At most one call is under way, of one query with one posting. It is tried once, so many come a minute, and fewer
        while the engine answers slowly.
    D4  Both scores of a pair are of one call, so of one revision of one ranker.
"""
