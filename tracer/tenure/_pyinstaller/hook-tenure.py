"""What a frozen program with Tenure needs that no import statement names; and a start that looks at $TENURE_RECORD."""

from PyInstaller.utils.hooks import collect_submodules, copy_metadata  # type: ignore[import-untyped,import-not-found,unused-ignore]

# Imported by name: the adapters, the probe, what shipping imports late, and what msgspec's extension imports.
hiddenimports = [
    *collect_submodules("tenure", filter=lambda name: not name.startswith("tenure._pyinstaller")),
    *collect_submodules("msgspec"),
    *("datetime", "decimal", "email.utils", "http.client", "json", "random", "uuid"),
]
datas = copy_metadata("tenure")
