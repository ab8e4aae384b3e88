"""Plain data that every room knows: records and how they are called."""
