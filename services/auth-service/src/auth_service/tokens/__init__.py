"""Access tokens while they live: issued to our services, measured, wrapped under a new master key.

A token AliExpress calls dead ends its shop's connection (M1.3).
"""
