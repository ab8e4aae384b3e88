"""A Sanic application."""

import work
from sanic import Sanic
from sanic.response import text

app = Sanic("shop")


@app.get("/ready")
async def ready(request):
    return text("ready")


@app.get("/items/<item>")
async def show(request, item):
    await work.use()
    return text(item)
