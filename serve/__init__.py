"""The online scorer: query and candidates in, scores inside the deadline out, never a stale one."""
