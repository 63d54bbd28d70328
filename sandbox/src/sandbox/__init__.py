"""A stand-in for the AliExpress Open Platform that behaves as its documentation says."""
