"""What should be on AliExpress: the newest state of shops, feeds and products."""
