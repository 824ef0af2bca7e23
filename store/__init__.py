"""Where postings, summaries and cached scores live: ports, Couchbase, embedded SQLite (WAL), memory."""
