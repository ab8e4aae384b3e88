"""What adapters share: calls that take and give back, handles, servers' requests."""
