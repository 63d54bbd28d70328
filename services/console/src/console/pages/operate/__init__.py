"""Is the installation right? Merchants, dead letters, quarantines, what waits."""
