"""A Quart application."""

import work
from quart import Quart

app = Quart(__name__)


@app.get("/ready")
async def ready():
    return "ready"


@app.get("/items/<item>")
async def show(item):
    await work.use()
    return item
