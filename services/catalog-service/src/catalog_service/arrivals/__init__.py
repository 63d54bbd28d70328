"""When something came for a catalogue, by event or file, and its usual rhythm. The only store of
`catalogue_rhythm`."""
