"""Functions that run after a module was imported."""

import importlib
import sys

import pytest

from tenure._rewriting import post_import


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module that can be imported, and lets go of everything afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name, source=""):
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)
        return name

    yield write
    post_import.stop_waiting()
    for name in written:
        sys.modules.pop(name, None)


def test_what_waits_for_a_module_is_called_directly_after_its_import(module):
    """Not before, not twice, and with the module as it is when its own code has run."""
    seen = []
    name = module("tenure_later", "value = 5")
    post_import.after_import(name, lambda found: seen.append(found.value))
    assert seen == []
    importlib.import_module(name)
    importlib.import_module(name)
    assert seen == [5]


def test_a_module_that_is_there_is_served_at_once(module):
    """The program may have imported its libraries before tracing begins."""
    seen = []
    name = module("tenure_there")
    importlib.import_module(name)
    post_import.after_import(name, seen.append)
    assert seen == [sys.modules[name]]


def test_the_module_keeps_its_own_loader(module):
    """inspect, pickle, importlib.resources and reload ask the loader; it must be the one it would have been."""
    names = module("tenure_plain"), module("tenure_watched")
    post_import.after_import(names[1], lambda _: None)
    plain, watched = (importlib.import_module(name) for name in names)
    assert type(watched.__loader__) is type(plain.__loader__)
    assert watched.__spec__.loader is watched.__loader__
    assert importlib.reload(watched) is watched


def test_an_import_that_fails_fails_as_ever_and_may_be_tried_again(module, tmp_path):
    """The exception is the module's own; the next import finds us still waiting."""
    seen = []
    name = module("tenure_failing", "raise LookupError('not yet')")
    post_import.after_import(name, lambda found: seen.append(found.__name__))
    with pytest.raises(LookupError, match="not yet"):
        importlib.import_module(name)
    (tmp_path / f"{name}.py").write_text("# now it works, and is longer than before")
    importlib.invalidate_caches()
    importlib.import_module(name)
    assert seen == [name]


def test_a_module_that_does_not_exist_stays_missing():
    """Waiting for a module makes none."""
    post_import.after_import("tenure_missing", lambda _: None)
    try:
        with pytest.raises(ModuleNotFoundError, match="No module named 'tenure_missing'"):
            importlib.import_module("tenure_missing")
    finally:
        post_import.stop_waiting()


def test_forgetting_takes_the_finder_away(module):
    """After that, imports go the way they always went."""
    finders = list(sys.meta_path)
    seen = []
    name = module("tenure_forgotten")
    post_import.after_import(name, seen.append)
    post_import.stop_waiting()
    importlib.import_module(name)
    assert (sys.meta_path, seen) == (finders, [])
