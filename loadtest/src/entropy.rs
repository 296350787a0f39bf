//! Randomness for keys, from the system only, fetched in larger pieces.

use rand::TryRng;
use rand::rngs::SysRng;

const POOL_BYTES: usize = 4096;

/// Random bytes of the system that have not been used.
pub(crate) struct Entropy {
    pool: Box<[u8; POOL_BYTES]>,
    used: usize,
}

impl Entropy {
    /// An empty pool; the first draw fills it.
    pub(crate) fn new() -> Self {
        Self {
            pool: Box::new([0; POOL_BYTES]),
            used: POOL_BYTES,
        }
    }

    /// 32 bytes that nobody had before.
    ///
    /// # Panics
    ///
    /// When the system has no randomness: no key may be made then.
    pub(crate) fn key(&mut self) -> [u8; 32] {
        if self.used + 32 > POOL_BYTES {
            SysRng
                .try_fill_bytes(&mut self.pool[..])
                .expect("the system gives random bytes");
            self.used = 0;
        }
        let drawn = &mut self.pool[self.used..self.used + 32];
        let key = (&*drawn).try_into().expect("the slice has 32 bytes");
        drawn.fill(0);
        self.used += 32;
        key
    }
}

/// A random number, to tell this run's messages from another's.
pub(crate) fn run_number() -> u16 {
    let [low, high, ..] = Entropy::new().key();
    u16::from_le_bytes([low, high])
}
