"""What AliExpress changed of categories that a shop's products use. The only store of
`category_change`."""
