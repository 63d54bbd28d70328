"""Shops as auth-service tells of them, and the way to call AliExpress for one."""
