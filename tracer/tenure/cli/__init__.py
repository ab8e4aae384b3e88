"""The command line: one file a command, ``main(arguments) -> exit code``."""
