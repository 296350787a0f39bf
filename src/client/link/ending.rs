//! How a link ends for good, and which failures are worth another try.

use crate::client::channel::ChannelError;
use crate::crypto::record::CloseCode;
use crate::wire::sealed::{HandshakeError, RefusalCode};

/// How a link has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both sides have said goodbye.
    Clean,
    /// There is no connection and none is tried any more; in words.
    Failed(String),
    /// The server's key is not the one it must be, or nobody vouches for it; in words.
    KeyRefused(String),
}

impl Ending {
    /// What a closing code means: an ending, or in words why the connection is to be tried again.
    pub(super) fn of_close(code: CloseCode) -> Result<Self, &'static str> {
        match code {
            CloseCode::Done => Ok(Self::Clean),
            CloseCode::TakenOver => Ok(Self::Failed(
                "the session goes on over another connection of yours".to_owned(),
            )),
            CloseCode::Removed => Ok(Self::Failed(
                "you were removed from the server; this client does not go back by itself"
                    .to_owned(),
            )),
            CloseCode::RecordError => Err("the server received a damaged record"),
            CloseCode::ServerStopping => Err("the server is stopping"),
            CloseCode::TooSlow => Err("the server found this client too slow"),
            CloseCode::Other(_) => Err("the server closed the connection"),
        }
    }
}

/// Whether trying again would only meet the same failure.
pub(super) fn is_final(error: &ChannelError) -> bool {
    match error {
        ChannelError::Handshake(HandshakeError::Refused { code, .. }) => match code {
            RefusalCode::UnknownVersion | RefusalCode::UnknownSuite | RefusalCode::Banned => true,
            RefusalCode::Full | RefusalCode::TooManyFromSource | RefusalCode::Other(_) => false,
        },
        ChannelError::Handshake(HandshakeError::NotParlour { .. }) => true,
        ChannelError::Handshake(_)
        | ChannelError::Record(_)
        | ChannelError::Wire(_)
        | ChannelError::Seal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sealed::Foreign;

    #[test]
    fn who_was_removed_or_replaced_does_not_come_back_by_itself() {
        for code in [CloseCode::Done, CloseCode::TakenOver, CloseCode::Removed] {
            assert!(Ending::of_close(code).is_ok(), "{code:?}");
        }
        for code in [
            CloseCode::RecordError,
            CloseCode::ServerStopping,
            CloseCode::TooSlow,
            CloseCode::Other(9),
        ] {
            assert!(Ending::of_close(code).is_err(), "{code:?}");
        }
    }

    #[test]
    fn what_another_try_would_only_repeat_is_final() {
        let refused = |code| {
            let version_max = 1;
            ChannelError::Handshake(HandshakeError::Refused { code, version_max })
        };
        assert!(is_final(&refused(RefusalCode::Banned)));
        assert!(is_final(&refused(RefusalCode::UnknownSuite)));
        assert!(!is_final(&refused(RefusalCode::Full)));
        let looks_like = Foreign::Http;
        let foreign = HandshakeError::NotParlour { looks_like };
        assert!(is_final(&ChannelError::Handshake(foreign)));
    }
}
