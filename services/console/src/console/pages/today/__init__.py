"""Today: is my shop right?"""
