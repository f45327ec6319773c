"""Floor 8: figures of rules, of what they do on a task, and of runs."""
