"""``GET /v1/ranker-arms``: which rankers this scorer has, and what each is doing. For operators."""

from fastapi import APIRouter, Request

from schemas.arms import ArmsView
from serve.arms.status import arms_of
from serve.parts import parts_of

__all__ = ["router"]

router = APIRouter(tags=["operations"])


@router.get("/v1/ranker-arms")
async def ranker_arms(request: Request) -> ArmsView:
    """The rankers of this process: who is in charge, who is warming, draining or on trial, and why one does not serve.

    Each worker process follows the arms file by itself; ask each of them.
    """
    return arms_of(parts_of(request).arms)
