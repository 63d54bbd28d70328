"""Pictures in shops' photo banks: each content uploaded once for a shop (M3.5).
The store of `bank_picture` and `photo_bank`."""
