"""The formats of catalogue files, each read item by item with flat memory.
What cannot be read is an item that says so, or refuses the file."""
