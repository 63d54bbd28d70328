"""The carriers a seller may ship with, as AliExpress lists them, and which of them a parcel takes.

The only store of `carrier_list`.
"""
