"""Connections between clients and the application: their number and their time limits."""
