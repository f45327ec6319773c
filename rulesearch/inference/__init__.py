"""What measurements and simulations say about the constants of rules."""
