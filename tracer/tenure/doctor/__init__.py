"""``tenure doctor``: what is recorded here, what is missed and why, and what recording costs.

calls      the interpreter tells of every call of an ``__aenter__``
watch      each call is put beside what the probe recorded: recorded, left out or missed
reasons    why a manager was missed
modules    which modules were rewritten, and which of the program's own were not
report     all of it as values, and as a page for people
here       this machine: versions, libraries, the collector
cost       what one record costs here
"""
