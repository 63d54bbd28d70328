"""The commands, one file per thing they speak of."""
