"""A mail catcher, so that a newcomer sees what people are mailed: nothing leaves this machine."""
