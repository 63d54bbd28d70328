"""Who may call the channel: API clients, their short-lived tokens, and the keys that prove them."""
