"""GET /api/diagram."""

from __future__ import annotations

import time
from typing import Literal

import msgspec
from aiohttp import web

from tenure_server.background.lanes import read_limit
from tenure_server.diagram import Dialect
from tenure_server.diagram.steps import Diagram
from tenure_server.diagram.svg import STYLE_HASH
from tenure_server.errors import BadParameter
from tenure_server.http.app_keys import CLOCK, STORE
from tenure_server.http.parameters import INTERNAL, Parameter, choice, flag, instant, integer, names, text
from tenure_server.http.routes import JSON, Route
from tenure_server.limits import DEFAULT_DIAGRAM, MAX_DIAGRAM
from tenure_server.model.lens import Lens
from tenure_server.store.load_diagram import as_mermaid, as_svg, load_diagram, load_text, off_the_loop

SVG = "image/svg+xml"
SVG_POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'"  # it runs and loads nothing

TRACE = text("trace", "Draw the trace with this id.")
TASK = text("task", "Draw the task with this id and its descendants.")
RESOURCE = text("resource", "Draw the resource with this id and all tasks that used it.")
PROCESS = text("process", "Draw only lifecycles of the process with this id.")
SINCE = instant("since", "Draw lifecycles from this instant on, and all that are still open.", time.time_ns)
UNTIL = instant("until", "Draw lifecycles that began before this instant.", time.time_ns)
FOLD = flag("fold", "1: fold repetition (default); 0: draw every repetition.")
FOLD_ROOTS = flag(
    "fold_roots",
    "1: fold equal tasks, too, that no task in the diagram created; 0: draw each (default). Mermaid text does it where"
    " it would be cut.",
)
OPENED = names("opened", "Ids of folds to draw in full, separated by commas.")
LIMIT = integer("limit", f"Maximum number of lifecycles, newest first (default: {DEFAULT_DIAGRAM}).", 1, MAX_DIAGRAM)
TASKS: Parameter[Literal["task", "coroutine"]] = choice(
    "tasks", "One column per task, or one per coroutine.", ("task", "coroutine")
)
RESOURCES: Parameter[Literal["resource", "kind"]] = choice(
    "resources", "One column per resource, or one per kind.", ("resource", "kind")
)
FORMAT: Parameter[Literal["json", "mermaid", "svg"]] = choice(
    "format", "json: steps (default); mermaid: text; svg: a picture.", ("json", "mermaid", "svg")
)
DIALECT: Parameter[Dialect] = choice(
    "dialect", "plain: Mermaid 10 and later read it (default); 12: with the types of participants.", ("plain", "12")
)


async def get_diagram(request: web.Request) -> web.Response:
    """Without a trace, a task or a resource the diagram shows the newest lifecycles of all."""
    query = request.query
    subjects = [parameter.name for parameter in (TRACE, TASK, RESOURCE) if parameter.name in query]
    if len(subjects) > 1:
        raise BadParameter(subjects[1], f"a diagram has only one subject (give {' or '.join(subjects)}, not both)")
    fold = FOLD.read(query)
    lens = Lens(
        trace=TRACE.read(query),
        task=TASK.read(query),
        resource=RESOURCE.read(query),
        process=PROCESS.read(query),
        since_ns=SINCE.read(query),
        until_ns=UNTIL.read(query),
        fold=True if fold is None else fold,
        opened=OPENED.read(query) or [],
        tasks=TASKS.read(query) or "task",
        resources=RESOURCES.read(query) or "resource",
        internal=INTERNAL.read(query) or False,
    )
    limit, wanted, dialect = LIMIT.read(query) or DEFAULT_DIAGRAM, FORMAT.read(query), DIALECT.read(query) or "plain"
    async with read_limit():
        store, now_ns = request.app[STORE], request.app[CLOCK]()
        if wanted == "mermaid":
            text = await load_text(store, lens, limit, now_ns, as_mermaid(dialect))
            return web.Response(text=text, content_type="text/plain")
        if wanted == "svg":
            picture = await load_text(store, lens, limit, now_ns, as_svg())
            return web.Response(text=picture, content_type=SVG, headers={"Content-Security-Policy": SVG_POLICY})
        drawn = await load_diagram(store, lens, limit, now_ns, fold_roots=FOLD_ROOTS.read(query) or False)
        body = await off_the_loop(len(drawn.steps), lambda: msgspec.json.encode(drawn))
        return web.Response(body=body, content_type=JSON)


ROUTES = [
    Route(
        "GET",
        "/api/diagram",
        get_diagram,
        "A sequence diagram: as steps, as Mermaid text, or as a picture.",
        parameters=[
            TRACE,
            TASK,
            RESOURCE,
            PROCESS,
            SINCE,
            UNTIL,
            FOLD,
            FOLD_ROOTS,
            OPENED,
            LIMIT,
            TASKS,
            RESOURCES,
            INTERNAL,
            FORMAT,
            DIALECT,
        ],
        answers={JSON: Diagram, "text/plain": None, SVG: None},
        errors=[400, 404, 503],
    )
]
