"""A SKU: why is this not right?"""
