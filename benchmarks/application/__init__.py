"""The applications that ``bench_application`` runs: a service as people write it, and who takes its spans."""
