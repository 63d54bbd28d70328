"""The channel in a browser: pages for merchants and operators, over the services' REST."""
