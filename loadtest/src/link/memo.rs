//! The memo: what was decoded lately, so that the same bytes need not be decoded for each receiver.
//!
//! Everybody in a room receives the same entries. A frame that is, byte for byte, one that was
//! decoded already means the same again; to compare is cheaper than to decode. Every receiver's
//! bytes are still looked at, all of them.

use parlour::chat::EntryId;
use parlour::wire::frame::Frame;

/// Where in an entry the lowest byte of its id is: behind the room's four bytes, at the end of eight.
const ID_LOW_BYTE: usize = 11;
/// One for each value of that byte.
const SLOTS: usize = 256;

/// Entries that were decoded lately.
pub(crate) struct Memo {
    slots: Box<[Slot]>,
}

/// One entry.
#[derive(Clone, Default)]
struct Slot {
    kind: u8,
    body: Vec<u8>,
    id: Option<EntryId>,
    text_bytes: usize,
}

impl Memo {
    /// Remembers nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS].into_boxed_slice(),
        }
    }

    /// The id and the text of a message, if the same frame was remembered.
    pub(super) fn recall<'a>(&self, frame: Frame<'a>) -> Option<(Option<EntryId>, &'a [u8])> {
        let slot = &self.slots[usize::from(*frame.body.get(ID_LOW_BYTE)?)];
        let is_same = slot.kind == frame.kind && slot.body == frame.body;
        is_same.then(|| {
            let start = frame.body.len() - slot.text_bytes;
            (slot.id, &frame.body[start..])
        })
    }

    /// Remembers a message and what it was decoded to; its text is what it ends with.
    pub(super) fn remember(&mut self, frame: Frame<'_>, id: Option<EntryId>, text: &[u8]) {
        let Some(index) = frame.body.get(ID_LOW_BYTE) else {
            return;
        };
        if !frame.body.ends_with(text) {
            return;
        }
        let slot = &mut self.slots[usize::from(*index)];
        slot.body.clear();
        slot.body.extend_from_slice(frame.body);
        (slot.kind, slot.id, slot.text_bytes) = (frame.kind, id, text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, body: &[u8]) -> Frame<'_> {
        Frame { kind, body }
    }

    #[test]
    fn only_the_very_same_bytes_are_recalled() {
        let mut memo = Memo::new();
        let body = b"roomidididid more, then the text".to_vec();
        assert_eq!(memo.recall(frame(0x80, &body)), None);
        memo.remember(frame(0x80, &body), Some(EntryId(7)), b"the text");
        let found = memo.recall(frame(0x80, &body));
        assert_eq!(found, Some((Some(EntryId(7)), &b"the text"[..])));
        assert_eq!(memo.recall(frame(0x81, &body)), None);
        for index in 0..body.len() {
            let mut changed = body.clone();
            changed[index] ^= 1;
            assert_eq!(memo.recall(frame(0x80, &changed)), None, "byte {index}");
        }
        assert_eq!(memo.recall(frame(0x80, &body[..31])), None);
        assert_eq!(memo.recall(frame(0x80, b"short")), None);
    }
}
