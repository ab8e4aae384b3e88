"""``tenure doctor``: what is recorded here, what is missed and why, and what recording costs.

program_check    runs a program, watches it, and reports at its end:
call_events      every call of an ``__aenter__``, from the interpreter
entry_watcher    compares each call with what the probe recorded: recorded, left out or missed
reasons          why a manager was missed
modules          which modules were rewritten, and which of the program's own were not
faults           the faults in Tenure during the run
processes        the reports of the program's other processes, each written by itself
report           all of it as values, and as a page for people

machine_check    reports on this machine: versions, and
libraries        which adapters fit the installed libraries
cost             what one record costs here
collector_check  whether a collector answers

counting_sink    counts the batches and discards them
sanitize         makes the program's texts fit for a page and for JSON
"""
