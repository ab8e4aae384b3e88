"""The import hook: modules of the program compiled with stamps around each `async with`."""
