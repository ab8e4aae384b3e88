"""Every limit of the collector, in one place. Those that the tracer must know too stand in ``tenure.wire``."""

from __future__ import annotations

MAX_ENCODED_BODY = 16 * 1024 * 1024  # bytes of a POST as sent; decompressed it may have wire.MAX_BODY
SMALL_ENCODED = 16 * 1024  # bytes of a compressed body that is decompressed on the event loop
MAX_MEMBERS = 1_000  # of gzip, or frames of zstd, in one body
MAX_WAITING_BODIES = 512 * 1024 * 1024  # bytes of large bodies that wait to be decompressed and decoded; then 503
MAX_MESSAGE = 64 * 1024  # bytes of a WebSocket message from a client

MAX_CONNECTIONS = 1_000  # of clients, fewer where the process may open fewer files
RESERVED_FILES = 64  # for the store, logs, exporters
HEADER_LIMIT_S = 10.0  # for a request's header to be complete
BODY_LIMIT_S = 30.0  # and its body; past either, 408
IDLE_LIMIT_S = 75.0  # between two requests of one connection
READER_LIMIT_S = 30.0  # for a client to read
READER_BYTES = 65_536  # so much of an answer
LINGER_S = 2.0  # what still comes of a body that was refused is read for so long, so that the client sees the answer
MAX_BODIES = 512 * 1024 * 1024  # bytes of all bodies that are being received; past it, 503
MAX_LIVE = 250  # live pages
BACKLOG = 1_024  # connections that wait to be accepted
ACCEPTS_AT_ONCE = 16
ACCEPT_PAUSE_S = 0.2  # where no descriptor is left
COMPLAINT_S = 60.0  # between two log lines of one kind of refusal

MAX_SPANS = 20_000  # of one POST of OpenTelemetry's; as many as a batch has rows
MAX_FIELDS = 1_000_000  # of one such POST in protobuf, in its resources, scopes, shapes and errors
MAX_EVENTS = 10_000  # of one span that failed, among which its exception is looked for
MAX_JSON_OBJECTS = 1_000_000  # of one such POST in JSON; with attributes of any length, 16 MiB have fewer

SESSION_S = 12 * 3_600  # a browser has to show the token again after so long
MAX_LOGGED_OUT = 10_000  # sessions that are remembered as ended before their time
MAX_GUESSES = 10  # different wrong tokens from one address in GUESS_S; then none is looked at for a while: 429
GUESS_S = 60
MAX_GUESSERS = 1_000  # addresses whose guesses are counted
MAX_LOGIN = 4_096  # bytes of the login page's form

MAX_LIST = 10_000  # items of one answer of the API
DEFAULT_LIST = 100
MAX_USES = 500  # holders, or waiters, named with one resource
MAX_DIAGRAM = 20_000  # lifecycles of one diagram
DEFAULT_DIAGRAM = 2_000

READ_LIMIT_S = (
    30.0  # for a read of the store, and for a diagram as a whole, waiting for its turn included; past it, 503
)
MAX_READS_WAITING = 32  # for their turn, of one kind; past it, 503

MAX_QUEUED_BATCHES = 1_000  # waiting for the store's writer; past either, 503
MAX_QUEUED_ROWS = 100_000
RETRY_AFTER_S = 1
GROUP_ROWS = 5_000  # about so many rows are written in one transaction

MAX_SEQUENCES_AHEAD = 1_000  # batches remembered beyond a gap; then the gap counts as lost
ALIVE_NS = 10_000_000_000  # a process that was silent for so long is taken for dead
DEAD_NS = 60_000_000_000  # and after so long what it left open is exported as abandoned

CHECK_TIMEOUT_S = 2.0
RESTART_S = 1.0  # before a background task that failed is started again; twice as long each time that it fails at once
RESTART_LONGEST_S = 60.0

RETENTION_INTERVAL_S = 5.0
RETENTION_CHUNK = 2_000  # lifecycles deleted in one transaction

REDRAW_S = 0.05  # between two drawings of a live diagram, at least
REDRAW_STRETCH = 4  # times as long as reading and drawing took, at least
MAX_GROWTH = 2  # times its limit a live diagram may grow before its older part is cut away
POLL_S = 1.0  # a live diagram is read anew after so long even where no batch came: processes die in silence
OVERVIEW_S = 0.5
OVERVIEW_LIMIT = 100  # processes, traces and resources of an overview, each
MAX_MESSAGES_QUEUED = 32  # for one client; past it the client gets a gap and a new page
MAX_WAKE_UPS = 64  # batches that wait for the loop of a live diagram
HEARTBEAT_S = 20.0  # a WebSocket that does not answer a ping for half as long is closed

EXPORT_SPANS = 2_000  # of one request to a backend
EXPORT_POLL_S = 1.0  # the store is looked at after so long even where no batch came
EXPORT_LINGER_S = 0.5  # what ends within so long travels together
EXPORT_TIMEOUT_S = 10.0  # for the answer to one request
EXPORT_WAKE_S = 0.1  # exporters hear of new batches so often, at most
EXPORT_REPORT_S = 0.1  # and the collector of their progress
EXPORT_ABANDON_S = 1.0
EXPORT_LAST_S = 2.0  # at the collector's end
EXPORT_GRACE_S = 1.0  # after that the process that exports is killed
EXPORT_NICENESS = 15  # of that process: against one of the usual priority it gets a thirtieth of a core
EXPORT_BEAT_S = 5.0  # it gives a sign of life so often
EXPORT_SILENCE_S = 30.0  # and is killed when it has given none for so long

MAX_SERIES = 1_000  # kinds and names of one process's resources that are measured; all further ones are one
MAX_MEASURED = 2_000  # those of all processes that metrics tell of; what is past it is its process's one further
EXPORT_METRICS_S = 60.0  # between two pushes of metrics

MAX_PAGE_STEPS = 150_000  # of all diagrams in an exported page
MAX_PAGE_DIAGRAM = 5_000  # lifecycles of one of them
MAX_PAGE_SUBJECTS = 300  # of each kind: processes, traces, resources, tasks
