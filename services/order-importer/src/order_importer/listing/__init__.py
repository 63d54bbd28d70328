"""Orders chosen among all of them: by filters, in pages, and by their keys. Reads only."""
