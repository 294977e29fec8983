//! The floor under every figure: a static Rust program that does nothing. `benches/run` builds it as the helper is built.

fn main() {}
