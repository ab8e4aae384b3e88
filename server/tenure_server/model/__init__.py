"""Plain data that every room uses: records, their labels, and the lens of a diagram."""
