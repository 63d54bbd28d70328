"""The merchants' shops, as auth-service reports them, and whose category tree is due.
The store of `shop`."""
