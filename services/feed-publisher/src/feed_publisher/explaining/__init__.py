"""Says why a SKU is as it is, from what is desired to what AliExpress shows, and what would be sent
of a product. Reads only; its store joins the tables of other slices."""
