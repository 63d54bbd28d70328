"""Sends changes of prices and stock between the hourly runs, by small runs of their own (M7.7).
Reads and begins them; they are driven as any other run."""
