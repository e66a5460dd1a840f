//! Measures what a worker costs, beside peers.
