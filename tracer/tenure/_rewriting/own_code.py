"""Which code is the program's own, by the module filter; asked by the shipping thread, so it may take its time."""

from __future__ import annotations

import os
import sys
from types import CodeType

from tenure._core import object_access
from tenure._core.paths import PACKAGE_DIR
from tenure._rewriting.module_filter import ModuleFilter

_MAX_FILES = 10_000


class OwnCode:
    """Answers for code of a running program, and remembers the answer by file."""

    def __init__(self, selection: ModuleFilter) -> None:
        self._selection = selection
        self._answers: dict[str, bool] = {}
        self._modules: dict[str, str] = {}  # names of the imported modules, by file
        self._imported = 0  # how many modules there were when they were listed

    def is_own(self, code: CodeType) -> bool:
        """Whether this is code of the program, and not of a library or of Tenure."""
        file = code.co_filename
        answer = self._answers.get(file)
        if answer is None:
            if len(self._answers) >= _MAX_FILES:
                self._answers.clear()
            answer = self._answers[file] = self._ask(file)
        return answer

    def _ask(self, file: str) -> bool:
        if file.startswith(("<frozen ", PACKAGE_DIR)):
            return False
        if file.startswith("<"):
            return not self._selection.excludes("__main__")
        return self._selection.includes(self._module(file), os.path.abspath(file))  # noqa: PTH100  # no links resolved

    def _module(self, file: str) -> str:
        """The name of the module in this file; "" where it is none."""
        if file not in self._modules and len(sys.modules) != self._imported:
            self._imported = len(sys.modules)
            for name, module in list(sys.modules.items()):
                place = object_access.exact(object_access.attribute(module, "__file__"))
                if place and type(name) is str:
                    self._modules[place] = name
        return self._modules.get(file, "")
