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
            CloseCode::Removed => Ok(Self::Failed("the server has removed you".to_owned())),
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
