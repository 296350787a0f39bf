//! A queue of bytes: append at the end, look at the front, consume from the front.
//!
//! The one buffer type of the server. Consumed bytes are forgotten lazily, so a queue that is
//! filled and drained in turn never moves what it holds; memory is given back when it runs empty,
//! because an idle connection must hold none.

/// Bytes in the order in which they arrived.
///
/// Invariant: `start <= bytes.len()`, and an empty queue has `start == 0`.
#[derive(Default)]
pub struct ByteQueue {
    bytes: Vec<u8>,
    start: usize,
}

impl ByteQueue {
    /// An empty queue; allocates nothing.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// Appends `bytes`. Amortised O(`bytes.len()`).
    pub fn append(&mut self, bytes: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(bytes);
        self.assert_invariants();
    }

    /// Appends what `write` puts behind the end of the vector it is lent.
    ///
    /// Lets an encoder write in place. `write` must only append.
    pub fn append_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.compact();
        let before = self.bytes.len();
        write(&mut self.bytes);
        assert!(self.bytes.len() >= before, "an encoder only appends");
        self.assert_invariants();
    }

    /// All bytes that wait, oldest first.
    pub fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The same bytes, to be changed in place.
    pub fn pending_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Forgets the oldest `count` bytes; an emptied queue gives its memory back.
    ///
    /// # Panics
    ///
    /// When fewer than `count` bytes wait: the caller consumed what it never looked at.
    pub fn consume(&mut self, count: usize) {
        assert!(count <= self.len(), "only bytes that wait can be consumed");
        self.start += count;
        if self.start == self.bytes.len() {
            self.clear();
        }
        self.assert_invariants();
    }

    /// The same, but an emptied queue keeps memory of up to `kept_bytes`: for who fills it again at
    /// once, and has few.
    ///
    /// # Panics
    ///
    /// When fewer than `count` bytes wait.
    pub fn consume_keeping(&mut self, count: usize, kept_bytes: usize) {
        if count == self.len() && self.bytes.capacity() <= kept_bytes {
            self.start = 0;
            self.bytes.clear();
        } else {
            self.consume(count);
        }
    }

    /// Forgets everything and gives the memory back.
    pub fn clear(&mut self) {
        self.start = 0;
        self.bytes = Vec::new();
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Moves what waits to the front once the forgotten part is at least as long, so that each
    /// byte is moved at most once per byte consumed.
    fn compact(&mut self) {
        if self.start > 0 && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    fn assert_invariants(&self) {
        debug_assert!(
            self.start <= self.bytes.len(),
            "the front is inside the bytes"
        );
        debug_assert!(
            self.start == 0 || !self.is_empty(),
            "an empty queue starts at zero"
        );
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the test counts modulo 256"
)]
mod tests {
    use super::*;

    #[test]
    fn any_mix_of_appends_and_consumes_keeps_the_order() {
        let (mut queue, mut sent, mut seen) = (ByteQueue::new(), 0u32, 0u32);
        let mut dice = 7u32;
        for _ in 0..10_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let count = (dice >> 24) as usize;
            if dice & 0x80_0000 == 0 {
                let bytes: Vec<u8> = (0..count)
                    .map(|step| (sent as usize + step) as u8)
                    .collect();
                queue.append(&bytes);
                sent += u32::try_from(count).unwrap();
            } else {
                let count = count.min(queue.len());
                for &byte in &queue.pending()[..count] {
                    assert_eq!(byte, seen as u8);
                    seen += 1;
                }
                queue.consume(count);
            }
            assert_eq!(queue.len(), (sent - seen) as usize);
        }
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut queue = ByteQueue::new();
        queue.append(&[1; 5_000]);
        assert!(queue.capacity() >= 5_000);
        queue.consume(5_000);
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn who_asks_for_it_keeps_some_memory_and_no_more() {
        let mut queue = ByteQueue::new();
        queue.append(&[1; 5_000]);
        queue.consume_keeping(1_000, 8_192);
        assert_eq!(queue.len(), 4_000);
        queue.consume_keeping(4_000, 8_192);
        assert!(queue.is_empty() && queue.capacity() >= 5_000);
        queue.append(&[2; 10_000]);
        assert_eq!(queue.pending(), [2; 10_000]);
        queue.consume_keeping(10_000, 8_192);
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    #[should_panic(expected = "only bytes that wait")]
    fn consuming_more_than_waits_is_our_bug() {
        ByteQueue::new().consume(1);
    }
}
