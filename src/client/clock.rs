//! The client's clock and random source: the only place that reads either.

use std::time::{Duration, Instant, SystemTime};

use rand::TryRng;
use rand::rngs::SysRng;

/// Time since the client started.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Starts the clock.
    #[expect(clippy::disallowed_methods, reason = "the client's one clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time; never goes back.
    pub fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Seconds since 1970; 0 on a machine that thinks it is earlier.
#[expect(clippy::disallowed_methods, reason = "the client's one wall clock")]
pub fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Bytes of the OS random source.
///
/// # Panics
///
/// When the system has none: then nothing can be kept secret, and we stop.
pub fn random_bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the system's random source works");
    bytes
}
