"""The native probe. Without a compiler the installation succeeds all the same, and the Python probe serves.

TENURE_NATIVE=none leaves the native probe out; TENURE_NATIVE=require makes a build without it fail. A wheel without it
is for every Python and every system.

TENURE_DEV=1, which `make setup` sets, makes each warning of the compiler an error. Without it no warning fails an
installation: other compilers have other warnings.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CompileError

STRICT = ["-Wall", "-Wextra", "-Werror"]

NATIVE = os.environ.get("TENURE_NATIVE", "")


class ReproducibleBuild(build_ext):
    """Keep the build directory out of the debug information, so that the same sources make the same bytes."""

    def build_extension(self, ext: Extension) -> None:
        if self.compiler.compiler_type == "unix":
            ext.extra_compile_args.append(f"-ffile-prefix-map={Path.cwd()}=.")
            if os.environ.get("TENURE_DEV") == "1":
                self._build_strictly(ext)
                return
        elif self.compiler.compiler_type == "msvc":
            ext.extra_compile_args.append("/Brepro")
            ext.extra_link_args.append("/Brepro")
        super().build_extension(ext)

    def _build_strictly(self, ext: Extension) -> None:
        """Exit where the compiler warns; not where there is no compiler, or none of Python's headers."""
        plain = ext.extra_compile_args
        ext.extra_compile_args = [*plain, *STRICT]
        try:
            super().build_extension(ext)
        except CompileError:
            ext.extra_compile_args = plain
            super().build_extension(ext)
            sys.exit("the C compiler warns about tracer/native (mend it, or install with TENURE_DEV=0)")


class BuildWithStartupFile(build_py):
    """Put the start-up file beside the packages, where Python looks for it; editable or not."""

    def run(self) -> None:
        super().run()
        directory = self.get_finalized_command("install").install_lib if self.editable_mode else self.build_lib
        self.copy_file("tenure.pth", str(Path(directory) / "tenure.pth"), preserve_mode=False)


class WheelOfWhatWasBuilt(bdist_wheel):
    """Compile first: where that fails, the wheel has no extension, and its tag says so."""

    def run(self) -> None:
        self.run_command("build_ext")
        if not any(Path(output).exists() for output in self.get_finalized_command("build_ext").get_outputs()):
            self.distribution.ext_modules = []
            self.root_is_pure = True
        super().run()


setup(
    cmdclass={"build_py": BuildWithStartupFile, "build_ext": ReproducibleBuild, "bdist_wheel": WheelOfWhatWasBuilt},
    ext_modules=[
        Extension(
            "tenure._probe",
            sorted(map(str, Path("native").rglob("*.c"))),
            depends=sorted(map(str, Path("native").rglob("*.h"))),
            optional=NATIVE != "require",
        ),
    ]
    if NATIVE != "none"
    else [],
)
