"""Whether stored configurations can be used: they were when they were saved, but the software may
have changed since. The only store of `feed_check`."""
