"""The HTTP routes: each turns a request into a call and an answer into a document, and nothing more."""
