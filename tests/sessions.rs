//! A session of its own for the workload, on a real pseudo-terminal.
