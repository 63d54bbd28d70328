"""The methods of the gateways, one module a subject; each is registered where it stands."""
