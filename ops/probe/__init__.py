"""End-to-end freshness: a posting of our own, updated on a timer, followed through the public interfaces only."""
