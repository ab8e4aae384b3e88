"""The commands of the collector: one file a command, `main(arguments) -> exit code`."""
