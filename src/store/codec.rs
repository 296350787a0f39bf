//! Numbers and small lists as columns hold them.
//!
//! SQLite's numbers are signed: ids keep their 64 bits and change their sign above 2^63.

use crate::chat::{Body, ClientKey, Name};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Error, Row};
use std::sync::Arc;

/// What an entry that was taken back has instead of a kind.
pub(super) const TAKEN_BACK: i64 = 0;
const SAID: i64 = 1;
const ACTED: i64 = 2;
/// In an inbox: what somebody wrote to its owner.
pub(super) const RECEIVED: i64 = 3;
const SENT: i64 = 4;

/// Bytes of a client key with its time.
const KEY_BYTES: usize = 20 + 8;

/// A column of this row holds what no version of this program wrote.
pub(super) fn unreadable(column: usize) -> Error {
    Error::FromSqlConversionFailure(column, Type::Null, Box::new(FromSqlError::InvalidType))
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The same, where there may be none.
pub(super) fn number_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(column)
        .map(|number| number.map(i64::cast_unsigned))
}

/// Somebody's name.
pub(super) fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Name> {
    let text = row.get_ref(column)?.as_str()?;
    Name::parse(text).map_err(|_| unreadable(column))
}

/// A text, where there may be none.
pub(super) fn text_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Arc<str>>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Arc::from))
}

/// Words with spaces between them.
pub(super) fn joined<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    words.join(" ")
}

/// Such words again.
pub(super) fn split<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Vec<T>> {
    let words = row.get_ref(column)?.as_str()?.split_ascii_whitespace();
    words
        .map(|word| parse(word).ok_or_else(|| unreadable(column)))
        .collect()
}

/// Client keys as one column holds them.
pub(super) fn of_keys(keys: &[(ClientKey, u64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.len() * KEY_BYTES);
    for (key, since) in keys {
        bytes.extend(key.0);
        bytes.extend(since.to_be_bytes());
    }
    bytes
}

/// Such keys again.
pub(super) fn keys(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<(ClientKey, u64)>> {
    let bytes = row.get_ref(column)?.as_blob()?;
    let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
    if !rest.is_empty() {
        return Err(unreadable(column));
    }
    let of_bytes = |bytes: &[u8; KEY_BYTES]| {
        let (key, since) = bytes.split_at(KEY_BYTES - 8);
        let key = key.try_into().expect("split where a key ends");
        let since = since.try_into().expect("split where a key ends");
        (ClientKey(key), u64::from_be_bytes(since))
    };
    Ok(keys.iter().map(of_bytes).collect())
}

/// What is stored of a body: its kind and its text; nothing of what is never stored.
pub(super) fn of_body(body: &Body) -> Option<(i64, &Arc<str>)> {
    match body {
        Body::Said(text) => Some((SAID, text)),
        Body::Acted(text) => Some((ACTED, text)),
        Body::Received(text) => Some((RECEIVED, text)),
        Body::Sent(text) => Some((SENT, text)),
        Body::Joined { .. }
        | Body::Left { .. }
        | Body::Kicked { .. }
        | Body::Renamed { .. }
        | Body::Topic(_)
        | Body::Counted { .. } => None,
    }
}

/// A body of that kind; none for an entry that was taken back.
pub(super) fn body(kind: i64, text: &str) -> Option<Body> {
    match kind {
        SAID => Some(Body::Said(text.into())),
        ACTED => Some(Body::Acted(text.into())),
        RECEIVED => Some(Body::Received(text.into())),
        SENT => Some(Body::Sent(text.into())),
        _ => None,
    }
}
