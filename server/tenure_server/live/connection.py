"""WS /api/live: one connection, from its first message to its last."""

from __future__ import annotations

import asyncio
import logging

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from tenure_server.errors import RequestRefused
from tenure_server.http.app_keys import SESSIONS
from tenure_server.http.listening.connections import connection_of
from tenure_server.http.routes import Route
from tenure_server.http.security import SESSION_LEFT
from tenure_server.http.sessions import COOKIE
from tenure_server.limits import HEARTBEAT_S, MAX_LIVE, MAX_MESSAGE, RETRY_AFTER_S
from tenure_server.live import messages
from tenure_server.live.messages import encode
from tenure_server.live.subscriptions import FEED, Client, Feed

log = logging.getLogger("tenure.server")

_decoder = msgspec.json.Decoder(messages.ClientMessage)


async def get_live(request: web.Request) -> web.StreamResponse:
    """Serve the connection until either side ends it. The answer to an invalid message is a Problem."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE, compress=False)
    if not socket.can_prepare(request).ok:
        raise RequestRefused(426, "websocket", "this address needs a WebSocket handshake", {"Upgrade": "websocket"})
    feed = request.app[FEED]
    if feed.clients >= MAX_LIVE:
        raise RequestRefused(
            503,
            "live",
            f"{feed.clients} live pages are open, the limit MAX_LIVE is {MAX_LIVE} (close a page)",
            {"Retry-After": str(RETRY_AFTER_S)},
        )
    await socket.prepare(request)
    connection = connection_of(request)
    if connection is not None:
        connection.enter("live")
    client = Client(socket)
    feed.connect(client)
    tasks = [asyncio.create_task(_send(client, feed))]
    if SESSION_LEFT in request:
        tasks.append(asyncio.create_task(_end_with_session(request, socket)))
    try:
        async for message in socket:
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await _handle_message(client, feed, message.data)
    finally:
        feed.disconnect(client)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return socket


async def _handle_message(client: Client, feed: Feed, data: str | bytes) -> None:
    try:
        subscription = _decoder.decode(data)
        problem = _problem_of(subscription)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        problem = f"the message cannot be read: {error}"
    if problem:
        client.mailbox.put(encode(messages.Problem(problem)))
    else:
        try:
            await feed.subscribe(client, subscription)
        except Exception:
            log.exception("a message of a live page could not be handled")
            client.mailbox.put(
                encode(messages.Problem("the collector failed to handle this message (its log gives the reason)"))
            )


def _problem_of(subscription: messages.Subscribe) -> str | None:
    lens = subscription.lens
    if not 1 <= subscription.limit <= messages.MAX_LIMIT:
        return f"invalid limit {subscription.limit} (give 1 to {messages.MAX_LIMIT})"
    if sum(subject is not None for subject in (lens.trace, lens.task, lens.resource)) > 1:
        return "a lens has only one subject (give a trace, a task or a resource)"
    if any(instant is not None and not 0 <= instant < 1 << 62 for instant in (lens.since_ns, lens.until_ns)):
        return "since_ns or until_ns is out of range (give nanoseconds since 1970-01-01)"
    return None


async def _end_with_session(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Close the connection when its session ends; the page then reconnects, and is refused."""
    await request.app[SESSIONS].ended(request.cookies.get(COOKIE, ""))
    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"the session has ended")


async def _send(client: Client, feed: Feed) -> None:
    """Send from the mailbox as fast as the client reads. An unexpected exception here closes the connection."""
    try:
        while True:
            messages_to_send, missed = await client.mailbox.take()
            if missed:  # read at once, so that later messages in the mailbox apply to it
                messages_to_send += feed.catch_up(client, missed)
            for message in messages_to_send:
                await client.socket.send_str(message)
    except ConnectionError:
        return
    except Exception:
        log.exception("a live page could not be updated; its connection is closed")
        await client.socket.close(code=WSCloseCode.INTERNAL_ERROR)


ROUTES = [
    Route(
        "GET",
        "/api/live",
        get_live,
        "WebSocket. The client sends a subscription. The collector sends the diagram, first as a page and then as"
        " operations, and an overview of processes, traces and resources.",
        errors=[426, 503],
    )
]
