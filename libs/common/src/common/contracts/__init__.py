"""Every event of the channel, its topic and its wire form: one registry, all else derived."""
