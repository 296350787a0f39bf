//! Randomness, from the system only: keys, tokens and dice all come from here.

use rand::TryRng;
use rand::rngs::SysRng;

/// `COUNT` random bytes.
///
/// # Panics
///
/// When the system has none: nothing secret could be made then, so nothing may go on.
pub(super) fn bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the system gives random bytes");
    bytes
}

/// A uniformly random number.
pub(super) fn number() -> u32 {
    u32::from_le_bytes(bytes())
}
