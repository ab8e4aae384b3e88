"""Every limit of the collector. Limits that the tracer uses too stand in ``tenure.wire``."""

from __future__ import annotations

MAX_ENCODED_BODY = 16 * 1024 * 1024  # bytes of a POST as sent; decompressed it may have wire.MAX_BODY
SMALL_ENCODED = 16 * 1024  # bytes; a smaller compressed body is decompressed on the event loop
MAX_MEMBERS = 1_000  # members of gzip, or frames of zstd, in one body
MAX_WAITING_BODIES = 512 * 1024 * 1024  # bytes of large bodies that wait to be decompressed and decoded; beyond, 503
MAX_MESSAGE = 64 * 1024  # bytes of a WebSocket message from a client

MAX_CONNECTIONS = 1_000  # of clients; fewer if the process may open fewer files
RESERVED_FILES = 64  # descriptors for the store, logs, exporters
HEADER_LIMIT_S = 10.0  # until the header of a request is complete; beyond, 408
BODY_LIMIT_S = 30.0  # until its body is complete; beyond, 408
IDLE_LIMIT_S = 75.0  # between two requests of one connection
READER_LIMIT_S = 30.0  # until a client has read READER_BYTES of an answer
READER_BYTES = 65_536
LINGER_S = 2.0  # the rest of a refused body is read for so long: else the client would not see the answer
MAX_BODIES = 512 * 1024 * 1024  # bytes of all bodies that are being received; beyond, 503
MAX_LIVE = 250  # live pages
BACKLOG = 1_024  # connections that wait to be accepted
ACCEPTS_AT_ONCE = 16
ACCEPT_PAUSE_S = 0.2  # after the process had no descriptor left for a connection
COMPLAINT_S = 60.0  # between two log lines about one kind of refusal

MAX_SPANS = 20_000  # of one POST of OTLP; as many as a batch has rows
MAX_FIELDS = 1_000_000  # of one POST of OTLP in protobuf: in its resources, scopes, shapes and errors
MAX_EVENTS = 10_000  # of one failed span, among which its exception is searched
MAX_JSON_OBJECTS = 1_000_000  # of one POST of OTLP in JSON; a useful body of 16 MiB has fewer

SESSION_S = 12 * 3_600  # then a browser must send the token again
MAX_LOGGED_OUT = 10_000  # sessions that are known to have ended by a logout
MAX_GUESSES = 10  # different wrong tokens from one address in GUESS_S; then its tokens are not checked for a while: 429
GUESS_S = 60
MAX_GUESSERS = 1_000  # networks whose wrong tokens are counted
MAX_LOGIN = 4_096  # bytes of the login page's form

MAX_LIST = 10_000  # items of one answer of the API
DEFAULT_LIST = 100
MAX_STALLS = 10_000  # of one process that the store keeps
MAX_USES = 500  # holders, and waiters, in the answer for one resource
MAX_DIAGRAM = 20_000  # lifecycles of one diagram
DEFAULT_DIAGRAM = 2_000

READ_LIMIT_S = 30.0  # for a read of the store, and for a diagram as a whole, with the time in the queue; beyond, 503
MAX_READS_WAITING = 32  # of one kind; beyond, 503

MAX_QUEUED_BATCHES = 1_000  # for the store's writer; beyond either, 503
MAX_QUEUED_ROWS = 100_000
RETRY_AFTER_S = 1
GROUP_ROWS = 5_000  # about so many rows are written in one transaction

MAX_SEQUENCES_AHEAD = 1_000  # stored batches behind a gap; beyond, the gap counts as lost
ALIVE_NS = 10_000_000_000  # a process that was silent for so long counts as dead
DEAD_NS = 60_000_000_000  # after so long, what it left open is exported as abandoned

CHECK_TIMEOUT_S = 2.0
RESTART_S = 1.0  # until a failed background task is restarted; doubled each time that it fails at once
RESTART_LONGEST_S = 60.0

RETENTION_INTERVAL_S = 5.0
RETENTION_CHUNK = 2_000  # lifecycles deleted in one transaction

REDRAW_S = 0.05  # minimum time between two messages of a live diagram
REDRAW_STRETCH = 4  # the minimum is also so many times as long as reading and drawing took
MAX_GROWTH = 2  # a live diagram may grow to so many times its limit before its older part is removed
POLL_S = 1.0  # a live diagram is read again after so long even if no batch arrived: a process may have died
OVERVIEW_S = 0.5
OVERVIEW_LIMIT = 100  # processes, traces and resources of an overview, each
MAX_MESSAGES_QUEUED = 32  # messages for one client; beyond, the client gets the current state instead
MAX_WAKE_UPS = 64  # batches that wait for the loop of a live diagram
HEARTBEAT_S = 20.0  # a WebSocket that does not answer a ping within half this time is closed

EXPORT_SPANS = 2_000  # of one request to a backend
EXPORT_POLL_S = 1.0  # the store is read after so long even if no batch arrived
EXPORT_LINGER_S = 0.5  # lifecycles that end within this time are sent together
EXPORT_TIMEOUT_S = 10.0  # until the backend has answered one request
EXPORT_WAKE_S = 0.1  # minimum time between two notices of new batches to the exporters
EXPORT_REPORT_S = 0.1  # time between two reports of progress to the collector
EXPORT_ABANDON_S = 1.0
EXPORT_LAST_S = 2.0  # for the last requests when the collector ends
EXPORT_GRACE_S = 1.0  # then the exporting process is killed
EXPORT_NICENESS = 15  # of the exporting process: beside a process of normal priority it gets a thirtieth of a core
EXPORT_BEAT_S = 5.0  # between two signs of life of the exporting process
EXPORT_SILENCE_S = 30.0  # the exporting process is killed when it has given no sign of life for so long

MAX_SERIES = 1_000  # of one process: kinds and names of resources with their own metrics; all others share one series
MAX_MEASURED = 2_000  # series of all processes in the metrics; those beyond are added to their process's shared series
EXPORT_METRICS_S = 60.0  # between two exports of metrics

MAX_PAGE_WHOLE_STEPS = 250_000  # of the diagrams of all lifecycles in an exported page, which have MAX_DIAGRAM each
MAX_PAGE_STEPS = 150_000  # of all other diagrams in it
MAX_PAGE_DIAGRAM = 5_000  # lifecycles of one other diagram in it
MAX_PAGE_SUBJECTS = 300  # of each kind: processes, traces, resources, tasks
