"""Class patches and tracked managers: entries that no rewritten code records."""
