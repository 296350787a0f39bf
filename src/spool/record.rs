//! What is known of an offer, as a file holds it.

use crate::chat::{
    AccountId, ClientKey, Digest, FileId, Name, OfferPlace, OfferRecord, Party, RoomId, SessionId,
};
use minicbor::bytes::ByteArray;
use minicbor::encode::Write;
use minicbor::{Decode, Encode};
use std::convert::Infallible;

#[derive(Encode, Decode)]
struct PartyBody<'a> {
    #[b(0)]
    name: &'a str,
    #[n(1)]
    account: Option<u64>,
    #[n(2)]
    session: Option<u64>,
    #[n(3)]
    key: Option<ByteArray<20>>,
}

#[derive(Encode, Decode)]
struct RecordBody<'a> {
    #[n(0)]
    file: u64,
    #[b(1)]
    by: PartyBody<'a>,
    #[n(2)]
    room: Option<u64>,
    #[b(3)]
    to: Option<PartyBody<'a>>,
    #[b(4)]
    name: &'a str,
    #[n(5)]
    bytes: u64,
    #[n(6)]
    digest: Option<ByteArray<32>>,
    #[n(7)]
    since_unix_ms: u64,
    #[n(8)]
    is_whole: bool,
}

/// Lets the encoder append to a vector.
struct Appended<'a>(&'a mut Vec<u8>);

impl Write for Appended<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A record as bytes.
pub(super) fn encode(record: &OfferRecord) -> Vec<u8> {
    let (room, to) = match &record.place {
        OfferPlace::Room(room) => (Some(room.0), None),
        OfferPlace::Person(to) => (None, Some(of_party(to))),
    };
    let body = RecordBody {
        file: record.file.0,
        by: of_party(&record.by),
        room,
        to,
        name: &record.name,
        bytes: record.bytes,
        digest: record.digest.map(|digest| digest.0.into()),
        since_unix_ms: record.since_unix_ms,
        is_whole: record.is_whole,
    };
    let mut out = Vec::new();
    minicbor::encode(body, Appended(&mut out)).expect("a vector takes whatever is appended");
    out
}

/// Such a record again; none when it was not written by this program.
pub(super) fn decode(bytes: &[u8]) -> Option<OfferRecord> {
    let body: RecordBody<'_> = minicbor::decode(bytes).ok()?;
    let place = match (body.room, &body.to) {
        (Some(room), None) => OfferPlace::Room(RoomId(room)),
        (None, Some(to)) => OfferPlace::Person(party(to)?),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(OfferRecord {
        file: FileId(body.file),
        by: party(&body.by)?,
        place,
        name: body.name.into(),
        bytes: body.bytes,
        digest: body.digest.map(|digest| Digest(digest.into())),
        since_unix_ms: body.since_unix_ms,
        is_whole: body.is_whole,
    })
}

fn of_party(party: &Party) -> PartyBody<'_> {
    PartyBody {
        name: party.name.as_str(),
        account: party.account.map(|account| account.0),
        session: party.session.map(|session| session.0),
        key: party.key.map(|key| key.0.into()),
    }
}

fn party(body: &PartyBody<'_>) -> Option<Party> {
    Some(Party {
        name: Name::parse(body.name).ok()?,
        account: body.account.map(AccountId),
        session: body.session.map(SessionId),
        key: body.key.map(|key| ClientKey(key.into())),
    })
}
