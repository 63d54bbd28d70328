"""A family's product on AliExpress: what was accepted and refused of it, and why, in plain words;
what an item changes and its outcome makes of it; `product.reported`. The store of `listing`."""
