"""The contracts (events, topics) and the few mechanisms all services share."""
