"""GET /api/tasks."""

from __future__ import annotations

from tenure_server.api.listing import list_route
from tenure_server.http.parameters import Parameter, flag, text
from tenure_server.model.waits import TaskState
from tenure_server.store import Listing, TaskQuery


def _awaited(value: str) -> str | bool:
    return {"0": False, "false": False, "1": True, "true": True}.get(value, value)


ROUTES = [
    list_route(
        "/api/tasks",
        "Tasks, newest first: what each holds, waits for and awaits, since when, its event loop and thread. The list"
        " has those that used a resource or were seen to await something.",
        listing=Listing[TaskState],
        filters={
            "process": text("process", "Only those of the process with this id."),
            "name": text("name", "Only those with this name."),
            "open": flag("open", "1: only those that are not finished, in a living process; 0: only the others."),
            "awaiting": Parameter(
                "awaiting",
                "1: only those that await something; 0: only the others. Else only those that await what begins with"
                " this text, such as Queue.join or sleep.",
                {"type": "string", "examples": ["1", "Queue.join"]},
                _awaited,
            ),
        },
        query=TaskQuery,
        read=lambda store, query: store.tasks(query),
    )
]
