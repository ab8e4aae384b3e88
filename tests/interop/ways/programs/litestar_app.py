"""A Litestar application."""

import work
from litestar import Litestar, MediaType, get


@get("/ready", media_type=MediaType.TEXT)
async def ready() -> str:
    return "ready"


@get("/items/{item:str}", media_type=MediaType.TEXT)
async def show(item: str) -> str:
    await work.use()
    return item


app = Litestar([ready, show])
