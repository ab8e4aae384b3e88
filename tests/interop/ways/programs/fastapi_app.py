"""A FastAPI application."""

import work
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


@app.get("/ready", response_class=PlainTextResponse)
async def ready() -> str:
    return "ready"


@app.get("/items/{item}", response_class=PlainTextResponse)
async def item(item: str) -> str:
    await work.use()
    return item
