"""What each kind of trouble is called, means and asks for, a module for each language."""
