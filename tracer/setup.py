"""The native probe. Without a compiler the installation succeeds all the same, and the Python twin serves."""

from pathlib import Path

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "tenure._probe",
            sorted(map(str, Path("native").glob("*.c"))),
            depends=sorted(map(str, Path("native").glob("*.h"))),
            optional=True,
        ),
    ],
)
