//! parlourd.
fn main() {}
