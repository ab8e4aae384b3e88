"""Which probe is used."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

import tenure
from tenure._core import probe_backend

SAYS = """
import tenure
from tenure import _probe_api
print(tenure.probe_backend(), _probe_api.begin.__module__)
"""


def test_the_python_probe_serves_where_it_is_asked_for(tmp_path: Path) -> None:
    """The program's answer is the same with either; a comparison needs both."""
    programs.write(tmp_path, app=SAYS)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE="python")
    assert done == (0, "python tenure._probe_api.pure_probe\n", "")


def test_the_name_of_the_probe_that_records_has_an_older_alias() -> None:
    """Programs written for 0.1 ask `tenure.native.NAME`; programs need no private module to ask."""
    assert tenure.probe_backend() == tenure.native.NAME == probe_backend.NAME
    assert tenure.probe_backend() == ("native" if probe_backend.SERVES else "python")
    with pytest.raises(AttributeError, match=r"^module 'tenure' has no attribute 'nativ'$"):
        getattr(tenure, "nativ")  # noqa: B009  # mypy would refuse the attribute


def test_an_unknown_probe_is_refused(tmp_path: Path) -> None:
    """A word misspelled is not a wish ignored."""
    programs.write(tmp_path, app=SAYS)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE="nativ")
    line = "tenure: invalid TENURE_PROBE 'nativ' (set it to native or python, or unset it)\n"
    assert done == (2, "", line)


def test_a_missing_extension_is_said_where_it_was_asked_for(tmp_path: Path) -> None:
    """Where it was not asked for, the twin serves without a word."""
    programs.write(tmp_path, sitecustomize="import sys; sys.modules['tenure._probe'] = None", app=SAYS)
    path = f"{tmp_path}:{Path(probe_backend.__file__).parent.parent.parent}"
    silent = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", PYTHONPATH=path, TENURE_PROBE="")
    refused = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", PYTHONPATH=path, TENURE_PROBE="native")
    assert silent == (0, "python tenure._probe_api.pure_probe\n", "")
    assert (refused.status, refused.stdout) == (2, "")
    assert refused.stderr.startswith("tenure: the native probe cannot be loaded: ")
    assert refused.stderr.endswith("(install a C compiler, then reinstall tenure)\n")
