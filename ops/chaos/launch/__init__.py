"""Starts a service below the harness: its own ``main``, with wall clock, pauses and steps wrapped from outside.

The services have no switch for any of this; ports and steps are replaced in the process before ``main`` is called.
"""
