"""Keeping the changelog small: the nulls of deleted documents that have expired from the store (DESIGN 4, step 6)."""
