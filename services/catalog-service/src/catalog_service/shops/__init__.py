"""The merchants' shops, as auth-service reports them, with their trees and how calls for them go.
The store of `shop`."""
