"""Processes and sockets of the online scorer: what ``serve`` builds is run here."""
