"""What is removed from texts and source, what stays, and that the time grows linearly with the text."""

from __future__ import annotations

import ast
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.qualification.reliability.secret_forms import EXPRESSIONS, HARMLESS, TEXTS, text_with
from tests.support.fuzzing import examples

import tenure.scrubbing
from tenure._identify.sites import one_line
from tenure.scrubbing import MAX_RAW, Scrubber, scrub, scrub_expression

SECRET = "Zk9Qab12cd7vXw"
MARKS = ("zk9q", "7vxw", "bwu6wms5")  # of the secret, either half; and of it in base64 behind "me:"


def tells(text: str) -> bool:
    return any(mark in text.lower() for mark in MARKS)


@pytest.mark.parametrize("form", TEXTS)
def test_a_secret_of_any_form_is_hidden(form: str) -> None:
    """In a text of that form alone, within another text, and once more what was scrubbed is unchanged."""
    text = text_with(form, SECRET)
    shown = scrub(text)
    assert not tells(shown)
    assert scrub(shown) == shown
    assert not tells(scrub(f"RuntimeError: while it ran ({text}"))


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_a_secret_stays(text: str) -> None:
    """Also one that has the words which name secrets: a false alarm costs the reader the text."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://me:a@b c@db:5432/shop is down", "postgres://me:***@db:5432/shop is down"),
        ("postgres://me:x@db failed, ask root@example.com", "postgres://me:***@db failed, ask root@example.com"),
        ("https://me:x@host.example/a@2.0", "https://***@host.example/a@2.0"),
        ("Authorization: Bearer abc was refused", "Authorization: Bearer *** was refused"),
        ("auth=('me', 'x'), timeout=3", "auth=(***), timeout=3"),
        ("{'password': 'x', 'id': 3}", "{'password': '***', 'id': 3}"),
        ("DB_PASSWORD=x;y=1", "DB_PASSWORD=***;y=1"),
        ("f(token=x, user=me)", "f(token=***, user=me)"),
        ("/x?token=x&user=me", "/x?token=***&user=me"),
    ],
)
def test_what_stands_around_a_secret_is_kept(text: str, expected: str) -> None:
    """The name, the host, what comes before and behind: they say what went wrong."""
    assert scrub(text) == expected


@pytest.mark.parametrize("form", TEXTS)
def test_a_cut_leaves_no_half_of_a_secret(form: str) -> None:
    """The cut to a length comes after the scrubbing, wherever in the secret it would have been."""
    text, scrubber = text_with(form, SECRET), Scrubber()
    for before in range(0, 500, 7):
        assert not tells(scrubber.text("." * before + " " + text, 500))


def test_a_text_that_is_too_long_to_look_at_leaves_no_half_of_a_secret() -> None:
    """Of MAX_RAW characters that were mostly hidden, the last ones are not shown: the cut may have halved a secret."""
    hidden = f"password='{'x' * (MAX_RAW - 200)}' "
    text = hidden + "x" * (MAX_RAW - len(hidden) - 22) + f" https://{SECRET}@host/path"
    assert not tells(Scrubber().text(text, 500))
    assert not tells(Scrubber().text(text[:MAX_RAW], 500))


@pytest.mark.parametrize("form", EXPRESSIONS)
def test_no_literal_of_an_expression_is_shown(form: str) -> None:
    """Whatever its quotes and its place, be the source whole or cut in any place."""
    source = one_line(text_with(form, SECRET))
    shown = scrub_expression(source)
    assert not tells(shown)
    assert scrub_expression(shown) == shown
    for end in range(len(source)):
        assert not tells(scrub_expression(source[:end]))
        assert not tells(scrub_expression(source[:end] + "…"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pool.acquire(timeout=2.5)", "pool.acquire(timeout=2.5)"),
        ("open(path, 'rb')", "open(path, 'rb')"),
        ("open('/etc/shop.conf')", "open('…')"),
        ('connect("host", "user", "hunter")', "connect('…', '…', '…')"),
        ("connect(token=settings.token)", "connect(token=settings.token)"),
        ("connect(password='x', ssl=None, retry=True)", "connect(password='…', ssl=None, retry=True)"),
        ('request.app["db"].acquire()', 'request.app["db"].acquire()'),
        ("unlock(1234, pin=1234)", "unlock(1234, pin=…)"),
        ("f(482913, 600_000, 65536, -1, 0x1F, 0.25)", "f(…, 600_000, 65536, -1, 0x1F, 0.25)"),
        ("f({'password': 12, 'user': name})", "f({'password': …, 'user': name})"),
        ("session.stream('GET', f'/x/{y}')", "session.stream('GET', f'…')"),
        ("f(rb'x' b'y', ...)", "f(b'…', ...)"),
        ("await asyncio.timeout(5)", "await asyncio.timeout(5)"),
        ("f('secret', tim…", "f('…', tim…"),
        ("f(x, # the password is hunter2", "f(x, # …"),
        ("locks['c7f3a9b2d1e8']", "locks['…']"),
        ("self._lock", "self._lock"),
        ("", ""),
    ],
)
def test_what_is_plainly_harmless_in_an_expression_is_shown(source: str, expected: str) -> None:
    """Names, small numbers, the modes of files, keys: docs/secrets.md has the list."""
    assert scrub_expression(source) == expected


def test_an_invalid_escape_is_not_warned_of() -> None:
    """The program's own source was warned of when it was compiled; warnings are errors here."""
    assert scrub_expression(r"f('\d', x)") == "f('…', x)"


_PIECES = (
    "a", "a-", "a_", "A_KEY", "pass", "password ", "password=", "token='", "token=(", 'token=("\\"', "://a:", "://a:@",
    "https://", "authorization: basic x ", "cookie: ", "--password ", "-u a:", "eyJaaaaaaaaaaa.", "sk-aaaaaaaaaaaa ",
    "-----BEGIN PRIVATE KEY-----", "<password ", "<password>", "identified by '", "basic aaaaaaaaaaa", '\\"',
    'token=\\"', "?key=", ";password=", "token=a,b", " ", "'", '"', "x-x-", "token&quot;:&quot;", "%22", "token=<",
    "pwd=/", "tokens: 3 ", "password: not ", "%3a%2f%2f",
)  # fmt: skip


@pytest.mark.parametrize("piece", _PIECES)
def test_the_work_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    """Of 100,000 characters: sixteen times the text takes sixteen times as long; a square would take 256 times."""
    short, long = (piece * 6_250)[:6_250], (piece * 100_000)[:100_000]
    for function in (scrub, scrub_expression):
        base = min(_seconds(function, short) for _ in range(3))
        assert _seconds(function, long) < 80 * max(base, 0.0005)


def _seconds(function: object, text: str) -> float:
    began = time.thread_time()
    function(text)
    return time.thread_time() - began


_ANY = st.lists(
    st.sampled_from([*_PIECES, "@", "%40", "=", ": ", " => ", "}", ")", "\n", ";", "&", "Bearer ", "b'", "“", "…"])
    | st.text(max_size=4)
).map("".join)


@given(_ANY)
@settings(max_examples=examples(300))
def test_any_text_is_scrubbed(text: str) -> None:
    """Whatever it looks like: nothing is raised, a cut text is no longer than asked, and a DSN in it is found."""
    assert isinstance(scrub(text), str)
    assert isinstance(scrub_expression(text), str)
    assert len(Scrubber().text(text, 20)) <= 20
    assert not tells(scrub(f"{text}\npostgres://me:{SECRET}@db/shop\n"))


@given(st.text(alphabet="abc'\"\\ (){}[]fr#,=1:.\n", max_size=40))
@settings(max_examples=examples(300))
def test_a_literal_is_hidden_beside_any_source(source: str) -> None:
    """A call's literal is not shown, whatever stands in the argument before it: what parses not, is hidden whole."""
    whole = f"make({source}, '{SECRET}')"
    try:
        ast.parse(whole, mode="eval")
    except (SyntaxError, ValueError):
        return
    assert not tells(scrub_expression(one_line(whole)))


def test_the_scrubbing_is_a_leaf() -> None:
    """It imports the standard library and itself alone, so that both sides may import it."""
    for path in Path(tenure.scrubbing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.startswith("tenure.scrubbing") or name.partition(".")[0] in sys.stdlib_module_names
