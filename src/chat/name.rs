//! Names of people and rooms: short ASCII labels held in place.
//!
//! They travel in every entry and are compared on every command, so they are `Copy` and never
//! allocated. Comparison ignores ASCII case; what is shown is what was typed.

use crate::limits::{NAME_BYTES_MAX, ROOM_NAME_BYTES_MAX};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Names that nobody can take, because they would be mistaken for the server's own voice.
const RESERVED: [&str; 7] = [
    "admin", "server", "root", "parlour", "system", "everyone", "all",
];

/// At most `MAX` bytes of printable ASCII, compared without case.
#[derive(Clone, Copy)]
pub struct Label<const MAX: usize> {
    len: u8,
    bytes: [u8; MAX],
}

/// A person's name: 1 to 32 of letters, digits, `_` and `-`, beginning with a letter or `_`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Label<NAME_BYTES_MAX>);

/// A room's name without its `#`: 1 to 64 of letters, digits, `_`, `-` and `.`, not beginning with
/// `-` or `.`, and neither a number nor a duration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(Label<ROOM_NAME_BYTES_MAX>);

/// Why a name is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    Empty,
    /// It has more bytes than a name may have.
    TooLong {
        /// The most it may have.
        max: usize,
    },
    /// It begins with something a name cannot begin with.
    BadStart,
    /// It holds a character that names do not have.
    BadCharacter,
    /// It is one of the server's own words.
    Reserved,
    /// It would read as a number or a duration where a room is expected.
    Numeric,
}

impl Name {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    ///
    /// [`NameError`] names the rule that was broken. Reserved names are accepted here, because
    /// they can be asked about; [`Name::is_reserved`] tells.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(
            text,
            NAME_BYTES_MAX,
            |first| first.is_ascii_alphabetic() || first == b'_',
            b"_-",
        )?;
        Ok(Self(Label::new(text)))
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is one of the server's own words.
    pub fn is_reserved(&self) -> bool {
        RESERVED
            .iter()
            .any(|word| word.eq_ignore_ascii_case(self.as_str()))
    }
}

impl RoomName {
    /// Checks `text`, with or without its `#`, and keeps it.
    ///
    /// # Errors
    ///
    /// [`NameError`] names the rule that was broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_prefix('#').unwrap_or(text);
        check(
            text,
            ROOM_NAME_BYTES_MAX,
            |first| first.is_ascii_alphanumeric() || first == b'_',
            b"_-.",
        )?;
        if is_quantity(text) {
            return Err(NameError::Numeric);
        }
        Ok(Self(Label::new(text)))
    }

    /// The name as it was typed, without `#`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn check(
    text: &str,
    max: usize,
    starts: impl Fn(u8) -> bool,
    also: &[u8],
) -> Result<(), NameError> {
    let first = *text.as_bytes().first().ok_or(NameError::Empty)?;
    if text.len() > max {
        return Err(NameError::TooLong { max });
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || also.contains(&byte);
    if !text.bytes().all(fits) {
        return Err(NameError::BadCharacter);
    }
    if starts(first) {
        Ok(())
    } else {
        Err(NameError::BadStart)
    }
}

/// Whether `text` reads as `20`, `2h` or `1d12h`.
fn is_quantity(text: &str) -> bool {
    let unit = |byte: u8| matches!(byte.to_ascii_lowercase(), b's' | b'm' | b'h' | b'd' | b'w');
    text.as_bytes()[0].is_ascii_digit()
        && text.bytes().all(|byte| byte.is_ascii_digit() || unit(byte))
}

impl<const MAX: usize> Label<MAX> {
    fn new(text: &str) -> Self {
        let mut bytes = [0; MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Self {
            len: u8::try_from(text.len()).expect("labels are at most 64 bytes"),
            bytes,
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("labels are ASCII")
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.bytes[..usize::from(self.len)]
            .iter()
            .map(u8::to_ascii_lowercase)
    }
}

impl<const MAX: usize> PartialEq for Label<MAX> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl<const MAX: usize> Eq for Label<MAX> {}

impl<const MAX: usize> Ord for Label<MAX> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl<const MAX: usize> PartialOrd for Label<MAX> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const MAX: usize> Hash for Label<MAX> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xff);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.as_str())
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.as_str())
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name is missing"),
            Self::TooLong { max } => write!(f, "a name has at most {max} characters"),
            Self::BadStart => f.write_str("a name begins with a letter or _"),
            Self::BadCharacter => f.write_str("a name is made of letters, digits, _ and - only"),
            Self::Reserved => f.write_str("that name is reserved"),
            Self::Numeric => f.write_str("a room's name is not a number or a duration"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_show_as_typed() {
        let (typed, other) = (Name::parse("Alice").unwrap(), Name::parse("aLICE").unwrap());
        assert_eq!(typed, other);
        assert_eq!(typed.cmp(&other), Ordering::Equal);
        assert_eq!(typed.to_string(), "Alice");
        assert!(Name::parse("ab").unwrap() < Name::parse("b").unwrap());
    }

    #[test]
    fn names_of_people_follow_the_rules() {
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse("1st"), Err(NameError::BadStart));
        assert_eq!(Name::parse("-x"), Err(NameError::BadStart));
        assert_eq!(Name::parse("a\u{1b}[2J"), Err(NameError::BadCharacter));
        assert_eq!(Name::parse("zoë"), Err(NameError::BadCharacter));
        assert_eq!(
            Name::parse(&"a".repeat(33)),
            Err(NameError::TooLong { max: 32 })
        );
        assert!(Name::parse(&"a".repeat(32)).is_ok());
        assert!(Name::parse("SERVER").unwrap().is_reserved());
    }

    #[test]
    fn names_of_rooms_follow_the_rules() {
        assert_eq!(RoomName::parse("#lobby").unwrap().to_string(), "#lobby");
        assert_eq!(RoomName::parse("Lobby"), RoomName::parse("#lobby"));
        assert!(RoomName::parse("2026.plans").is_ok());
        for quantity in ["20", "2h", "1d12h", "100"] {
            assert_eq!(RoomName::parse(quantity), Err(NameError::Numeric));
        }
        assert_eq!(RoomName::parse("#"), Err(NameError::Empty));
        assert_eq!(RoomName::parse("##x"), Err(NameError::BadCharacter));
        assert!(RoomName::parse(&"r".repeat(65)).is_err());
    }
}
