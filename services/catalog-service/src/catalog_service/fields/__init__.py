"""What the fields of a catalogue hold: how often each is filled, its values with their counts. A
summary is made in the background after imports and when somebody asks; the store of
`catalogue_summary`."""
