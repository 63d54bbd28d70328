"""The AliExpress Open Platform as typed methods: the only code that knows the wire."""
