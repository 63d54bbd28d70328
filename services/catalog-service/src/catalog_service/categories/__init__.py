"""What AliExpress says of a shop's categories: the tree, each leaf's schema, and suggestions.
The store of `category_schema`."""
