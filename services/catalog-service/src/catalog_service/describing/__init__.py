"""What the columns of a catalogue seem to be: from their names and from their values, with how sure
and why. Pure: rows in, a description out."""
