"""What one merchant's session may do to another's rows, by what every service declares."""
