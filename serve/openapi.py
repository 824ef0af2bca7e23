"""The OpenAPI document: FastAPI's, with the problem document that it does not know of."""

from typing import Any

from fastapi import FastAPI

from schemas.api import Problem

__all__ = ["document_problems"]

_TEMPLATE = "#/components/schemas/{model}"


def document_problems(app: FastAPI) -> None:
    """Make ``app.openapi()`` define the schema that the error responses refer to."""
    generate = app.openapi

    def with_problems() -> dict[str, Any]:
        document = generate()
        schema = Problem.model_json_schema(ref_template=_TEMPLATE)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= schema.pop("$defs", {}) | {"Problem": schema}
        return document

    # FastAPI's own way to change the document is to replace this method of the instance.
    app.openapi = with_problems  # type: ignore[method-assign]
