"""auth-service: connects a merchant's AliExpress shop and guards its access token."""
