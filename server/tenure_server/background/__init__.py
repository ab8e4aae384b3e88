"""Work beside the event loop: lanes of threads with a time limit, and tasks that are kept running."""
