"""Rules whose numbers are free, and their least squares."""
