//! Accounts: how a member becomes one, and what it answers when it is asked who it is.
//!
//! ```text
//! in its room ──> /password ──> New, Again ──> stored ──┬──────────────────────────> settled
//!                                                       └─> /keys add ──> stored ──┘
//! ```
//!
//! All have the same password: what it costs to check does not depend on it.

use parlour::chat::{MessageKey, SecretPrompt};
use parlour::crypto::handshake::StaticKey;
use parlour::wire::message::{ClientMessage, encode_client};
use std::fmt;
use std::sync::Arc;

/// The password of everybody.
const PASSWORD: &str = "as many as there are";

/// What a member needs to have an account.
#[derive(Clone)]
pub(crate) struct Account {
    /// The key that it shows, and enrols.
    pub(crate) key: Option<Arc<StaticKey>>,
    /// Whether the account was made already.
    pub(crate) exists: bool,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("has_key", &self.key.is_some())
            .field("exists", &self.exists)
            .finish()
    }
}

/// How far one has come with its account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Nothing is to be done.
    Settled,
    /// It is to be made once there is a room.
    Arriving,
    /// It is being made, and is when this is answered; what that is is known after the last question.
    Making(Option<MessageKey>),
    /// The key is enrolled when this is answered.
    Enrolling(MessageKey),
}

impl Progress {
    /// Where one begins that is to have `account`.
    pub(super) fn of(account: Option<&Account>) -> Self {
        match account {
            Some(account) if !account.exists => Self::Arriving,
            Some(_) | None => Self::Settled,
        }
    }

    /// One is in its room: begins to make the account, if it is to be made. Whether one has to wait.
    pub(super) fn begin(&mut self, key: &mut u64, words: &mut Vec<u8>) -> bool {
        if *self == Self::Arriving {
            run("/password", key, words);
            *self = Self::Making(None);
        }
        *self != Self::Settled
    }

    /// Answers what is asked in secret; whether it is what one proves who one is with.
    pub(super) fn answer(
        &mut self,
        prompt: SecretPrompt,
        key: &mut u64,
        words: &mut Vec<u8>,
    ) -> bool {
        let secret = ClientMessage::Secret {
            key: next(key),
            text: PASSWORD,
        };
        encode_client(&secret, words);
        match prompt {
            SecretPrompt::Login(_) => true,
            SecretPrompt::Current | SecretPrompt::New => false,
            SecretPrompt::Again => {
                *self = Self::Making(Some(MessageKey(*key)));
                false
            }
        }
    }

    /// Something was carried out; whether that was the last there was to do.
    pub(super) fn advance(
        &mut self,
        done: MessageKey,
        has_key: bool,
        key: &mut u64,
        words: &mut Vec<u8>,
    ) -> bool {
        match self {
            Self::Making(Some(awaited)) if *awaited == done && has_key => {
                *self = Self::Enrolling(run("/keys add", key, words));
                false
            }
            Self::Making(Some(awaited)) | Self::Enrolling(awaited) if *awaited == done => {
                *self = Self::Settled;
                true
            }
            Self::Settled | Self::Arriving | Self::Making(_) | Self::Enrolling(_) => false,
        }
    }
}

fn next(key: &mut u64) -> MessageKey {
    *key += 1;
    MessageKey(*key)
}

fn run(line: &str, key: &mut u64, words: &mut Vec<u8>) -> MessageKey {
    let key = next(key);
    encode_client(&ClientMessage::Run { key, line }, words);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_settled_when_its_key_is_enrolled_and_not_before() {
        for has_key in [false, true] {
            let (mut key, mut words) = (7, Vec::new());
            let mut progress = Progress::Arriving;
            assert!(progress.begin(&mut key, &mut words));
            // That the questions follow is no sign that they are answered.
            assert!(!progress.advance(MessageKey(8), has_key, &mut key, &mut words));
            assert!(!progress.answer(SecretPrompt::New, &mut key, &mut words));
            assert!(!progress.advance(MessageKey(9), has_key, &mut key, &mut words));
            assert!(!progress.answer(SecretPrompt::Again, &mut key, &mut words));
            let is_over = progress.advance(MessageKey(10), has_key, &mut key, &mut words);
            assert_eq!(is_over, !has_key);
            if has_key {
                assert!(progress.advance(MessageKey(11), has_key, &mut key, &mut words));
            }
            assert_eq!(progress, Progress::Settled);
            assert!(!progress.begin(&mut key, &mut words));
        }
    }
}
