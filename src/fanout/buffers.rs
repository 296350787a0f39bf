//! The rests of sealed records that blocked connections keep, in classes of size.
//!
//! Records are made in one buffer that all visits share and that therefore stays in cache. Only
//! what the kernel would not take is copied here. The bytes lent are bounded in all, so a visit may
//! begin only while a whole record could still be kept: what is sealed must be sent.

use crate::limits::{WRITE_BUFFER_BYTES_MAX, WRITE_BUFFERS_SPARE_MAX, WRITE_REST_CLASSES_BYTES};

const CLASSES: usize = WRITE_REST_CLASSES_BYTES.len();

/// What is left of a record, oldest byte first.
#[derive(Default)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    sent: usize,
    class: usize,
}

impl Rest {
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == self.sent
    }
}

/// Lends and takes back the memory of rests.
///
/// Invariant: `lent_bytes` is the sum of the class sizes of all rests that are not empty.
pub(super) struct Buffers {
    spare: [Vec<Vec<u8>>; CLASSES],
    lent_bytes: usize,
    lent_bytes_max: usize,
}

impl Buffers {
    /// Lends as much as `buffers_max` whole records take.
    pub(super) fn new(buffers_max: usize) -> Self {
        Self {
            spare: [const { Vec::new() }; CLASSES],
            lent_bytes: 0,
            lent_bytes_max: buffers_max.saturating_mul(WRITE_BUFFER_BYTES_MAX),
        }
    }

    /// Whether the rest of a record of any length could be kept.
    pub(super) fn can_lend(&self) -> bool {
        self.lent_bytes + WRITE_BUFFER_BYTES_MAX <= self.lent_bytes_max
    }

    pub(super) fn lent_bytes(&self) -> usize {
        self.lent_bytes
    }

    /// Copies `rest` into the smallest class that takes it.
    pub(super) fn keep(&mut self, rest: &[u8]) -> Rest {
        let fits = |bytes: &usize| *bytes >= rest.len();
        let class = WRITE_REST_CLASSES_BYTES
            .iter()
            .position(fits)
            .expect("a record fits the largest class");
        let class_bytes = WRITE_REST_CLASSES_BYTES[class];
        let spare = self.spare[class].pop();
        let mut bytes = spare.unwrap_or_else(|| Vec::with_capacity(class_bytes));
        bytes.extend_from_slice(rest);
        self.lent_bytes += class_bytes;
        Rest {
            bytes,
            sent: 0,
            class,
        }
    }

    /// Forgets the oldest `count` bytes of `rest`, which goes back when emptied and moves to a
    /// smaller class when it fits one.
    pub(super) fn consume(&mut self, rest: &mut Rest, count: usize) {
        assert!(
            count <= rest.pending().len(),
            "the kernel took what it was offered"
        );
        rest.sent += count;
        if rest.is_empty() {
            self.take_back(std::mem::take(rest));
        } else if rest.class > 0 && rest.pending().len() <= WRITE_REST_CLASSES_BYTES[rest.class - 1]
        {
            let smaller = self.keep(rest.pending());
            self.take_back(std::mem::replace(rest, smaller));
        }
    }

    /// Takes the memory of a rest back, sent or not.
    pub(super) fn take_back(&mut self, rest: Rest) {
        let Rest {
            mut bytes, class, ..
        } = rest;
        if bytes.is_empty() {
            return;
        }
        self.lent_bytes -= WRITE_REST_CLASSES_BYTES[class];
        if self.spare[class].len() < WRITE_BUFFERS_SPARE_MAX {
            bytes.clear();
            self.spare[class].push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::KIB;

    #[test]
    fn a_rest_moves_to_smaller_classes_and_goes_back() {
        let mut buffers = Buffers::new(2);
        let record: Vec<u8> = (0..=255).cycle().take(16 * KIB).collect();
        let mut rest = buffers.keep(&record);
        assert_eq!(buffers.lent_bytes(), WRITE_BUFFER_BYTES_MAX);
        assert!(buffers.can_lend());
        let mut sent = 0;
        for (count, lent) in [(12 * KIB, 4 * KIB), (3 * KIB, KIB), (KIB - 1, KIB), (1, 0)] {
            assert_eq!(rest.pending(), &record[sent..]);
            buffers.consume(&mut rest, count);
            sent += count;
            assert_eq!(buffers.lent_bytes(), lent);
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn nothing_is_lent_beyond_the_bound() {
        let mut buffers = Buffers::new(1);
        let rest = buffers.keep(&[1; 2]);
        assert!(!buffers.can_lend());
        buffers.take_back(rest);
        assert!(buffers.can_lend());
    }
}
