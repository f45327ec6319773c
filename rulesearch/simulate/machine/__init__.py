"""Programs of rules and the machine that runs them: bytecode, compiled, as vectors; kernels kept on disk."""
