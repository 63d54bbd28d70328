"""Each shop's currency, as AliExpress shows it with the shop's products.
The store of `shop_currency`."""
