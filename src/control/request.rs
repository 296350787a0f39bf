//! Requests and answers as lines of JSON.

use crate::chat::{Administer, EntryId, PasswordHash};
use serde_json::{Value, json};
use std::fmt;

/// What is asked, owning its text; secrets come hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Give an account a password.
    SetPassword {
        /// Whose.
        name: String,
        /// Already hashed.
        hash: PasswordHash,
    },
    /// Give or take the right to administer the server.
    Grant {
        /// Whose.
        name: String,
        /// Whether it is given.
        is_given: bool,
    },
    /// End an account.
    RemoveAccount {
        /// Which.
        name: String,
    },
    /// Take back what was said.
    Erase {
        /// In which room.
        room: String,
        /// Which entry.
        id: EntryId,
    },
}

/// What came is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRequest;

impl fmt::Display for NoRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "that is no request; write one JSON object on one line, such as \
             {\"do\":\"grant\",\"name\":\"bob\"}",
        )
    }
}

impl Request {
    /// As the chat takes it.
    pub fn administer(&self) -> Administer<'_> {
        match self {
            Self::SetPassword { name, hash } => Administer::SetPassword {
                name,
                hash: hash.clone(),
            },
            Self::Grant { name, is_given } => Administer::Grant {
                name,
                is_given: *is_given,
            },
            Self::RemoveAccount { name } => Administer::RemoveAccount { name },
            Self::Erase { room, id } => Administer::Erase { room, id: *id },
        }
    }

    /// As one line, with its end.
    pub fn line(&self) -> String {
        let value = match self {
            Self::SetPassword { name, hash } => {
                json!({"do": "set-password", "name": name, "hash": &*hash.0})
            }
            Self::Grant {
                name,
                is_given: true,
            } => json!({"do": "grant", "name": name}),
            Self::Grant {
                name,
                is_given: false,
            } => json!({"do": "revoke", "name": name}),
            Self::RemoveAccount { name } => json!({"do": "remove-account", "name": name}),
            Self::Erase { room, id } => json!({"do": "erase", "room": room, "id": id.0}),
        };
        format!("{value}\n")
    }

    /// Reads a line.
    ///
    /// # Errors
    ///
    /// When it is none; the words say what is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Self, NoRequest> {
        let value: Value = serde_json::from_slice(line).map_err(|_| NoRequest)?;
        let text = |field: &str| {
            let text = value.get(field).and_then(Value::as_str);
            text.map(str::to_owned).ok_or(NoRequest)
        };
        match text("do")?.as_str() {
            "set-password" => Ok(Self::SetPassword {
                name: text("name")?,
                hash: PasswordHash(text("hash")?.into()),
            }),
            "grant" => Ok(Self::Grant {
                name: text("name")?,
                is_given: true,
            }),
            "revoke" => Ok(Self::Grant {
                name: text("name")?,
                is_given: false,
            }),
            "remove-account" => Ok(Self::RemoveAccount {
                name: text("name")?,
            }),
            "erase" => Ok(Self::Erase {
                room: text("room")?,
                id: EntryId(value.get("id").and_then(Value::as_u64).ok_or(NoRequest)?),
            }),
            _ => Err(NoRequest),
        }
    }
}

/// An answer as one line, with its end.
pub fn answer(outcome: Result<&str, &str>) -> String {
    let value = match outcome {
        Ok(done) => json!({"done": done}),
        Err(why) => json!({"refused": why}),
    };
    format!("{value}\n")
}

/// Reads an answer; none when it is not one.
pub fn read_answer(line: &str) -> Option<Result<String, String>> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |field: &str| value.get(field)?.as_str().map(str::to_owned);
    text("done").map(Ok).or_else(|| text("refused").map(Err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_survive_the_way() {
        let name = || "bo\"b\n".to_owned();
        for request in [
            Request::SetPassword {
                name: name(),
                hash: PasswordHash("$argon2id$x".into()),
            },
            Request::Grant {
                name: name(),
                is_given: true,
            },
            Request::Grant {
                name: name(),
                is_given: false,
            },
            Request::RemoveAccount { name: name() },
            Request::Erase {
                room: "#lobby".to_owned(),
                id: EntryId(u64::MAX),
            },
        ] {
            let line = request.line();
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(Request::parse(line.as_bytes()), Ok(request));
        }
        for outcome in [Ok("done \"it\"\n"), Err("no")] {
            let line = answer(outcome);
            assert_eq!(line.matches('\n').count(), 1);
            let read = read_answer(&line).unwrap();
            assert_eq!(read.as_deref().map_err(String::as_str), outcome);
        }
    }

    #[test]
    fn what_is_no_request_is_said_to_be_none() {
        for line in [
            "",
            "x",
            "{}",
            "[]",
            "{\"do\":1}",
            "{\"do\":\"fly\"}",
            "{\"do\":\"grant\"}",
            "{\"do\":\"erase\",\"room\":\"lobby\",\"id\":-1}",
            "\u{0}",
        ] {
            assert_eq!(Request::parse(line.as_bytes()), Err(NoRequest), "{line}");
        }
    }
}
