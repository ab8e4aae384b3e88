"""The native probe. Without a compiler the installation succeeds all the same, and the Python twin serves."""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class ReproducibleBuild(build_ext):
    """Keep the build directory out of the debug information, so that the same sources make the same bytes."""

    def build_extension(self, ext: Extension) -> None:
        if self.compiler.compiler_type == "unix":
            ext.extra_compile_args.append(f"-ffile-prefix-map={Path.cwd()}=.")
        elif self.compiler.compiler_type == "msvc":
            ext.extra_compile_args.append("/Brepro")
            ext.extra_link_args.append("/Brepro")
        super().build_extension(ext)


setup(
    cmdclass={"build_ext": ReproducibleBuild},
    ext_modules=[
        Extension(
            "tenure._probe",
            sorted(map(str, Path("native").rglob("*.c"))),
            depends=sorted(map(str, Path("native").rglob("*.h"))),
            optional=True,
        ),
    ],
)
