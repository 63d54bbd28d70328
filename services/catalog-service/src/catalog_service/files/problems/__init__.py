"""What was wrong with the lines of imported files: kept by line, and what it says of products
that seem to be gone."""
