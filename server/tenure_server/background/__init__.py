"""Work beside the event loop: lanes of threads with a time limit, and supervised tasks."""
