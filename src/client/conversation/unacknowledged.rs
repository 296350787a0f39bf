//! Messages the server has not acknowledged, in the order in which they were said.

use std::collections::VecDeque;

use crate::chat::{MessageKey, Name, RoomId};
use crate::limits::{CLIENT_UNACKNOWLEDGED_BYTES_MAX, UNACKNOWLEDGED_MAX};
use crate::wire::message::ClientMessage;

/// What the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Text.
    Say {
        /// Where; the room that is current when it arrives, if absent.
        room: Option<RoomId>,
        /// What.
        text: String,
    },
    /// Text for one person.
    Tell {
        /// Whom.
        to: Name,
        /// What.
        text: String,
    },
    /// A command.
    Run {
        /// As it was typed.
        line: String,
    },
}

struct Message {
    key: MessageKey,
    what: What,
    /// Whether it was ever handed to a connection; then it may have arrived.
    sent: bool,
}

/// The messages that wait for their acknowledgement.
///
/// Invariant: `bytes` is the sum of their texts.
pub(super) struct Unacknowledged {
    messages: VecDeque<Message>,
    bytes: usize,
    key_state: u64,
}

impl What {
    /// What was typed.
    pub fn text(&self) -> &str {
        match self {
            Self::Say { text, .. } | Self::Tell { text, .. } => text,
            Self::Run { line } => line,
        }
    }

    /// The message to send.
    pub(super) fn message(&self, key: MessageKey) -> ClientMessage<'_> {
        match self {
            Self::Say { room, text } => ClientMessage::Say {
                key,
                room: *room,
                action: false,
                text,
            },
            Self::Tell { to, text } => ClientMessage::Tell {
                key,
                to: to.as_str(),
                text,
            },
            Self::Run { line } => ClientMessage::Run { key, line },
        }
    }

    /// Whether it asks to leave the server, which is answered by the goodbye.
    fn is_goodbye(&self) -> bool {
        let Self::Run { line } = self else {
            return false;
        };
        let word = line.split_whitespace().next().unwrap_or_default();
        ["/quit", "/exit", "/logout"]
            .iter()
            .any(|goodbye| word.eq_ignore_ascii_case(goodbye))
    }
}

impl Unacknowledged {
    pub(super) fn new(key_seed: u64) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            key_state: key_seed,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.messages.len() < UNACKNOWLEDGED_MAX && self.bytes < CLIENT_UNACKNOWLEDGED_BYTES_MAX
    }

    /// Whether a command is among them.
    pub(super) fn has_command(&self) -> bool {
        let is_command = |message: &Message| match message.what {
            What::Run { .. } => true,
            What::Say { .. } | What::Tell { .. } => false,
        };
        self.messages.iter().any(is_command)
    }

    pub(super) fn keys(&self) -> Vec<MessageKey> {
        self.messages.iter().map(|message| message.key).collect()
    }

    /// Adds what was said last.
    pub(super) fn add(&mut self, what: What) -> MessageKey {
        let message = self.make(what);
        let key = message.key;
        self.messages.push_back(message);
        key
    }

    /// Adds what must come before everything else.
    pub(super) fn add_first(&mut self, what: What) -> MessageKey {
        let message = self.make(what);
        let key = message.key;
        self.messages.push_front(message);
        key
    }

    /// Marks a message as handed to a connection, and lends it.
    pub(super) fn mark_sent(&mut self, key: MessageKey) -> Option<&What> {
        let message = self
            .messages
            .iter_mut()
            .rfind(|message| message.key == key)?;
        message.sent = true;
        Some(&message.what)
    }

    /// Forgets an answered message; tells whether it was one.
    pub(super) fn settle(&mut self, key: MessageKey) -> bool {
        let Some(index) = self.messages.iter().position(|message| message.key == key) else {
            return false;
        };
        self.remove(index);
        true
    }

    /// Forgets the command that the server's goodbye has answered.
    pub(super) fn settle_goodbye(&mut self) {
        let goodbye = |message: &Message| message.sent && message.what.is_goodbye();
        if let Some(index) = self.messages.iter().position(goodbye) {
            self.remove(index);
        }
    }

    /// Drops what cannot be sent again because its session is over; returns it, with whether it may
    /// have arrived all the same.
    ///
    /// When one is in doubt all that follow are dropped too: they may depend on it.
    pub(super) fn drop_lost(
        &mut self,
        had_session: bool,
        same_history: bool,
    ) -> Vec<(MessageKey, What, bool)> {
        let doubt = self.messages.iter().any(|message| message.sent);
        let can_go_on = !had_session || (same_history && !doubt);
        if can_go_on {
            return Vec::new();
        }
        self.bytes = 0;
        self.messages
            .drain(..)
            .map(|message| (message.key, message.what, message.sent))
            .collect()
    }

    fn remove(&mut self, index: usize) {
        let removed = self.messages.remove(index);
        self.bytes -= removed.map_or(0, |message| message.what.text().len());
    }

    fn make(&mut self, what: What) -> Message {
        self.bytes += what.text().len();
        Message {
            key: self.draw_key(),
            what,
            sent: false,
        }
    }

    /// A number for a message: SplitMix64 over a random seed, for keys must differ, not be secret.
    ///
    /// # Source
    ///
    /// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014.
    pub(super) fn draw_key(&mut self) -> MessageKey {
        self.key_state = self.key_state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.key_state ^ (self.key_state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        MessageKey(mixed ^ (mixed >> 31))
    }
}
