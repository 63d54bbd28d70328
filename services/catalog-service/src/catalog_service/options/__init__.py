"""What AliExpress offers a shop, so that a configuration is written without trying: templates,
groups, size charts, units, languages, countries, currency."""
