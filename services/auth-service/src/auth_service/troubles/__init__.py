"""Troubles: what keeps a merchant's shop from being right, each opened once and closed once (M9.1).

The store of `trouble` and `trouble_notice`. Slices that notice something say so by `raise_trouble`
and `end_trouble`, in the transaction of what they noticed; the other services say so on
`condition.state`. Whom it is told to is decided in `alerts/`.
"""
