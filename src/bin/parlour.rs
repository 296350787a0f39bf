//! parlour.
fn main() {}
