//! Settings: what the user wants every time, in `$XDG_CONFIG_HOME/parlour/client.toml`.
//!
//! Flags of the command line come before it. A key that is not known, or a value that fits none, is
//! an error with the line it stands in: a setting that is silently without effect helps nobody.

use std::path::PathBuf;

use serde::Deserialize;

use super::folder::read_file;
use crate::chat::{Name, RoomName};
use crate::limits::CLIENT_SETTINGS_BYTES_MAX;

/// The name of the file in the folder of configurations.
const FILE_NAME: &str = "parlour/client.toml";

/// When the terminal rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bell {
    /// Never.
    Off,
    /// For private messages.
    Pm,
    /// For private messages and for one's own name.
    #[default]
    All,
}

/// What an empty line does on the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyLine {
    /// It leaves.
    #[default]
    Leave,
    /// Nothing.
    Ignore,
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The name to be called by.
    #[serde(deserialize_with = "name")]
    pub name: Option<Name>,
    /// The room to enter instead of the lobby.
    #[serde(deserialize_with = "room")]
    pub room: Option<RoomName>,
    /// When the terminal rings.
    pub bell: Bell,
    /// Whether it is not shown who comes and goes.
    pub quiet: bool,
    /// Whether times are shown in UTC.
    pub utc: bool,
    /// Whether there are no colours.
    pub no_color: bool,
    /// What an empty line does.
    pub empty_line: EmptyLine,
    /// Where received files go.
    pub downloads: Option<PathBuf>,
}

impl Bell {
    /// The one of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "pm" => Some(Self::Pm),
            "all" | "on" => Some(Self::All),
            _ => None,
        }
    }
}

impl Settings {
    /// Where the file is; none when neither `$XDG_CONFIG_HOME` nor `$HOME` names an absolute path.
    pub fn path() -> Option<PathBuf> {
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let base = absolute("XDG_CONFIG_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
        Some(base.join(FILE_NAME))
    }

    /// Reads the file; without one everything is as usual.
    ///
    /// # Errors
    ///
    /// In words, when it cannot be read or says what is not understood.
    pub fn read() -> Result<Self, String> {
        let Some(path) = Self::path() else {
            return Ok(Self::default());
        };
        let failed = |why: &dyn std::fmt::Display| {
            let path = path.display();
            format!("the settings in {path}: {why}")
        };
        let bytes = read_file(&path, CLIENT_SETTINGS_BYTES_MAX).map_err(|error| failed(&error))?;
        let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|error| failed(&error))?;
        Self::parse(&text).map_err(|why| failed(&why))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// In words, when something in it is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }
}

fn name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Name>, D::Error> {
    let text = String::deserialize(from)?;
    Name::parse(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn room<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<RoomName>, D::Error> {
    let text = String::deserialize(from)?;
    RoomName::parse(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_changes_nothing_and_every_key_is_read() {
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        let text = "name = \"bob\"\nroom = \"#den\"\nbell = \"pm\"\nquiet = true\nutc = true\n\
                    no-color = true\nempty-line = \"ignore\"\ndownloads = \"/tmp/in\"\n";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.name, Name::parse("bob").ok());
        assert_eq!(settings.room, RoomName::parse("den").ok());
        assert_eq!(settings.bell, Bell::Pm);
        assert!(settings.quiet && settings.utc && settings.no_color);
        assert_eq!(settings.empty_line, EmptyLine::Ignore);
        assert_eq!(settings.downloads, Some(PathBuf::from("/tmp/in")));
    }

    #[test]
    fn the_manual_lists_every_key() {
        let why = Settings::parse("nonsense = 1").unwrap_err();
        let keys = why.split_once("expected one of").unwrap().1;
        let manual = include_str!("../../docs/client.md");
        let keys: Vec<_> = keys.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() >= 8, "{keys:?}");
        for key in keys {
            assert!(manual.contains(&format!("\n| `{key}` | ")), "{key}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (text, word) in [
            ("bel = \"pm\"", "bel"),
            ("bell = \"loud\"", "loud"),
            ("name = \"1st\"", "name"),
            ("quiet = 3", "quiet"),
            ("utc", "line 1"),
        ] {
            let why = Settings::parse(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
