"""Keeps the store's files in order: their size, a full disk, and what others do to them."""
