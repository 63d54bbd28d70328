"""A first configuration for a feed, proposed from a catalogue file or a catalogue that is there.

Nothing is guessed silently: each line that rests on a guess says why and how sure, and what is
unsure is a comment. Nothing is stored."""
