"""Which modules are the program's own."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from pathlib import Path, PurePath

from tenure._core import real_paths

_INSTALLED = {"site-packages", "dist-packages"}


class Selection:
    """Which modules are the program's own.

    A module is selected when its file lies below one of ``roots`` and is not installed there, or its name is one of
    ``include`` or below one; ``exclude`` goes before both. Tenure itself never is.
    """

    def __init__(
        self, roots: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = (), *, main_module: str = ""
    ) -> None:
        self.roots = [_real(root) for root in roots]
        self._include, self._exclude = tuple(include), ("tenure", *exclude)
        self._main_module = main_module
        self._folders: dict[str, bool] = {}  # the answers, which are asked for at every import
        paths = sysconfig.get_paths()
        self._library = [_real(Path(paths[name])) for name in ("stdlib", "platstdlib", "purelib", "platlib")]

    def __repr__(self) -> str:
        roots = [str(root) for root in self.roots]
        return f"Selection({roots}, include={self._include}, exclude={self._exclude})"

    def add_root(self, root: Path) -> None:
        """One more directory whose modules are the program's own."""
        self.roots.append(_real(root))
        self._folders.clear()

    def includes(self, name: str, file: str) -> bool:
        """Whether this module, in this file, is to be rewritten. The program may be importing, within a loop."""
        if self.excludes(name):
            return False
        if self._main_module and _is_in(self._main_module, name.removesuffix(".__main__")):
            self.add_root(Path(file).parent)
        if any(_is_in(name, package) for package in self._include):
            return True
        folder = str(PurePath(real_paths.real(file) if real_paths.is_link(file) else file).parent)
        if folder not in self._folders:
            self._folders[folder] = self._is_own(Path(real_paths.real(folder)))
        return self._folders[folder]

    def excludes(self, name: str) -> bool:
        """Whether this module is one that was told to be left as it is."""
        return any(_is_in(name, package) for package in self._exclude)

    def is_installed(self, path: Path) -> bool:
        """Whether this file belongs to an installed package or to the standard library."""
        return any(part in _INSTALLED for part in path.parts) or any(path.is_relative_to(lib) for lib in self._library)

    def _is_own(self, folder: Path) -> bool:
        return not self.is_installed(folder) and any(folder.is_relative_to(root) for root in self.roots)


def _real(path: Path) -> Path:
    return Path(real_paths.real(str(path)))


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
