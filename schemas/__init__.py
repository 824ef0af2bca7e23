"""The contracts of Précis: events, documents, requests and errors.

Pydantic and the standard library only, no I/O. Every other package imports this one; it imports none of them.
"""
