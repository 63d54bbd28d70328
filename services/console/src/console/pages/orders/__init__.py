"""Orders: what must leave?"""
