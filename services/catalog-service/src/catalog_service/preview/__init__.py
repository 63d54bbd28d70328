"""What would be sent and why not, for people: previews, issues, completeness, dry runs.
Reads only."""
