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
                "the session goes on over another connection of yours; this one does not come back"
                    .to_owned(),
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

/// What happened, and for what can be helped what to do.
pub(super) fn words(error: &ChannelError) -> String {
    let ChannelError::Handshake(HandshakeError::Refused { code, .. }) = error else {
        return error.to_string();
    };
    match code {
        RefusalCode::Full => "the server is full; somebody has to leave first".to_owned(),
        RefusalCode::TooManyFromSource => {
            "the server takes no more connections from your address for now".to_owned()
        }
        RefusalCode::Banned => "you are banned from this server; it is not tried again. Only who \
                                runs it can change that"
            .to_owned(),
        RefusalCode::UnknownSuite => {
            format!("{error}; it is not tried with a weaker one. --suite names another")
        }
        RefusalCode::UnknownVersion => format!("{error}; one side is too old"),
        RefusalCode::Other(_) => error.to_string(),
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
    fn who_is_refused_reads_what_it_means() {
        for (code, word) in [
            (RefusalCode::Full, "full"),
            (RefusalCode::TooManyFromSource, "your address"),
            (RefusalCode::Banned, "not tried again"),
            (RefusalCode::UnknownSuite, "--suite"),
            (RefusalCode::UnknownVersion, "too old"),
        ] {
            let version_max = 1;
            let refused = HandshakeError::Refused { code, version_max };
            let words = words(&ChannelError::Handshake(refused));
            assert!(words.contains(word), "{words}");
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
