"""Which modules are the program's own."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from pathlib import Path, PurePath

from tenure._core import real_paths
from tenure._core.paths import FROZEN_DIR

_INSTALLED = {"site-packages", "dist-packages"}


class ModuleFilter:
    """Decides which modules are the program's own, and so are rewritten.

    A module is included if its file is below one of ``roots`` and is not installed there, or if its name is in
    ``include`` or below a name in it. ``exclude`` overrides both. Tenure itself is never included.
    """

    def __init__(
        self, roots: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = (), *, main_module: str = ""
    ) -> None:
        self.roots = [_real(root) for root in roots]
        if FROZEN_DIR:
            self.roots.append(_real(Path(FROZEN_DIR)))
        self.included, self._exclude = tuple(include), ("tenure", *exclude)
        self._main_module = main_module
        self._folders: dict[str, bool] = {}  # cached answers: every import asks
        paths = sysconfig.get_paths()
        self._library = [_real(Path(paths[name])) for name in ("stdlib", "platstdlib", "purelib", "platlib")]

    def __repr__(self) -> str:
        roots = [str(root) for root in self.roots]
        return f"ModuleFilter({roots}, include={self.included}, exclude={self._exclude})"

    def add_root(self, root: Path) -> None:
        """Add a directory whose modules are the program's own."""
        self.roots.append(_real(root))
        self._folders.clear()

    def includes(self, name: str, file: str) -> bool:
        """Whether this module, in this file, is to be rewritten. Called while the program imports."""
        if self.excludes(name):
            return False
        if self._main_module and _is_in(self._main_module, name.removesuffix(".__main__")):
            self.add_root(Path(file).parent)
        if any(_is_in(name, package) for package in self.included):
            return True
        folder = str(PurePath(real_paths.real(file) if real_paths.is_link(file) else file).parent)
        if folder not in self._folders:
            self._folders[folder] = self._is_own(Path(real_paths.real(folder)))
        return self._folders[folder]

    def excludes(self, name: str) -> bool:
        """Whether this module was excluded by name."""
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
