//! Where configuration comes from: the file, the environment, the flags. Each overrides the one
//! before, key by key.
//!
//! What the environment and the flags say is first made into the text of a configuration file with
//! one key, so that all three are read by the same code and refused in the same words.

use super::keys::{Form, KEYS, Key};
use super::{Config, File, Mistake, Origin, Origins};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What the name of each of our environment variables begins with.
const PREFIX: &str = "PARLOUR_";

/// The first password of the account `admin`. No key: it is not shown, and not kept.
pub const ADMIN_PASSWORD_VARIABLE: &str = "PARLOUR_ADMIN_PASSWORD";

/// Variables with our prefix that are read, but are no keys.
const OTHER_VARIABLES: [&str; 2] = ["PARLOUR_DATA", ADMIN_PASSWORD_VARIABLE];

/// The name of the configuration file in the data folder.
const CONFIG_FILE: &str = "parlour.toml";

/// The variables of the environment that matter here, secrets left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment(pub(super) BTreeMap<String, OsString>);

/// What the command line says of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    /// Keys with the flags that override them, and their values.
    pub(super) keys: Vec<(&'static str, &'static str, String)>,
    /// `--data`.
    pub(super) data: Option<PathBuf>,
    /// `--ephemeral`.
    pub(super) ephemeral: bool,
    /// `--config`.
    pub(super) config: Option<PathBuf>,
}

/// What was said of the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderOrigin {
    /// `--data` names it.
    Flag,
    /// An environment variable names it.
    Variable(&'static str),
    /// It was there, in the folder in which the server was started.
    Here,
    /// Nothing: it is where the user's programs keep their data.
    Default,
}

impl fmt::Display for FolderOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("named by --data"),
            Self::Variable(variable) => write!(f, "named by ${variable}"),
            Self::Here => f.write_str("found here"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Everything the configuration was read from, to read it again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    environment: Environment,
    flags: Flags,
    /// Decided once: a folder that appears later must not be taken for it.
    data: Option<(PathBuf, FolderOrigin)>,
}

impl Environment {
    /// The environment of this process.
    pub(super) fn of_process() -> Self {
        let is_ours = |name: &str| {
            name.starts_with(PREFIX) && name != ADMIN_PASSWORD_VARIABLE
                || matches!(name, "STATE_DIRECTORY" | "XDG_DATA_HOME" | "HOME")
        };
        let ours = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, value)| is_ours(name) && !value.is_empty());
        Self(ours.collect())
    }

    fn path(&self, variable: &str) -> Option<PathBuf> {
        self.0.get(variable).map(PathBuf::from)
    }

    /// Variables that look like keys and are none. They are told, not refused: container platforms
    /// set some for a service of our name.
    fn strangers(&self) -> Vec<String> {
        let is_known = |name: &str| {
            OTHER_VARIABLES.contains(&name) || KEYS.iter().any(|key| key.variable() == name)
        };
        self.0
            .keys()
            .filter(|name| name.starts_with(PREFIX) && !is_known(name))
            .map(|name| format!("${name} is no setting and was ignored; --print-config lists them"))
            .collect()
    }
}

impl Sources {
    /// Decides where the data is; everything else is read by [`Self::read`].
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when there is no folder for it.
    pub(super) fn new(environment: Environment, flags: Flags) -> Result<Self, Mistake> {
        let data = match (&flags.data, flags.ephemeral) {
            (Some(data), _) => Some((data.clone(), FolderOrigin::Flag)),
            (None, true) => None,
            (None, false) => Some(default_data_folder(&environment)?),
        };
        Ok(Self {
            environment,
            flags,
            data,
        })
    }

    /// The data folder.
    ///
    /// # Panics
    ///
    /// When it was made for an ephemeral server without one.
    pub(super) fn folder(&self) -> PathBuf {
        let data = self.data.as_ref();
        let (folder, _) = data.expect("only an ephemeral server has no folder");
        folder.clone()
    }

    /// Reads all of it, now.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when anything is wrong, with where; then nothing of it counts.
    pub fn read(&self) -> Result<Config, Mistake> {
        let mut layers = Layers::default();
        if let Some((path, text)) = self.file()? {
            layers.add_file(&path, &text)?;
        }
        for key in &KEYS {
            let variable = key.variable();
            if let Some(value) = self.environment.0.get(&variable) {
                let value = value
                    .to_str()
                    .ok_or_else(|| Mistake(format!("${variable} is not readable as text")))?;
                layers.add_key(key, value, Origin::Variable(variable))?;
            }
        }
        for (name, flag, value) in &self.flags.keys {
            let key = KEYS.iter().find(|key| key.name == *name);
            let key = key.expect("flags stand for keys");
            layers.add_key(key, value, Origin::Flag(flag))?;
        }
        let mut config = layers.into_config()?;
        config.ephemeral = self.flags.ephemeral;
        config.data = self.data.as_ref().map(|(folder, _)| folder.clone());
        config.data_origin = self.data.as_ref().map(|(_, origin)| *origin);
        config.warnings = self.environment.strangers();
        config.sources = self.clone();
        if config.sealed.is_empty() && config.line.is_empty() {
            return Err(Mistake(
                "both doors are off; leave --sealed or --line open".to_owned(),
            ));
        }
        Ok(config)
    }

    /// The configuration file with its text: the one that was named, which must be there, or the
    /// one in the data folder if there is one.
    fn file(&self) -> Result<Option<(PathBuf, String)>, Mistake> {
        let in_folder = self.data.as_ref().map(|(data, _)| data.join(CONFIG_FILE));
        let path = match (&self.flags.config, in_folder) {
            (Some(named), _) => named.clone(),
            (None, Some(path)) if path.exists() => path,
            (None, _) => return Ok(None),
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Mistake(format!("cannot read {}: {error}", path.display())))?;
        Ok(Some((path, text)))
    }
}

/// What the sources say, laid over one another.
#[derive(Default)]
pub(super) struct Layers {
    merged: Table,
    origins: Origins,
    /// What all of it is called when something is wrong with it together.
    file: Option<PathBuf>,
}

impl Layers {
    /// Lays the text of a file over what is there.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that names the file and the line.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), Mistake> {
        let of_file =
            |mistake: &dyn fmt::Display| Mistake(format!("{}: {mistake}", path.display()));
        let file: File = toml::from_str(text).map_err(|error| of_file(&error))?;
        file.into_config().map_err(|mistake| of_file(&mistake))?;
        self.merged = toml::from_str(text).map_err(|error| of_file(&error))?;
        for key in &KEYS {
            if find(&self.merged, key.name).is_some() {
                self.origins.insert(key.name, Origin::File(path.to_owned()));
            }
        }
        self.file = Some(path.to_owned());
        Ok(())
    }

    /// Lays one key over what is there.
    fn add_key(&mut self, key: &Key, value: &str, origin: Origin) -> Result<(), Mistake> {
        let of_origin = |mistake: &dyn fmt::Display| Mistake(format!("{origin}: {mistake}"));
        let value = read_value(key.form, value).map_err(|mistake| of_origin(&mistake))?;
        let mut alone = Table::new();
        insert(&mut alone, key.name, value.clone());
        let file = File::deserialize(alone).map_err(|error| of_origin(&error.message()))?;
        file.into_config().map_err(|Mistake(words)| {
            // The flag or variable says which key it is.
            let of_key = format!("{}: ", key.name);
            of_origin(&words.strip_prefix(&of_key).unwrap_or(&words))
        })?;
        insert(&mut self.merged, key.name, value);
        self.origins.insert(key.name, origin);
        Ok(())
    }

    /// All of it as a configuration.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when the values do not go together.
    pub(super) fn into_config(self) -> Result<Config, Mistake> {
        let file =
            File::deserialize(self.merged).map_err(|error| Mistake(error.message().to_owned()))?;
        let mut config = file.into_config()?;
        if let Err(mistake) = config.bounds.check() {
            let is_file = |origin: &Origin| matches!(origin, Origin::File(_));
            // Only when the file alone is to blame does its name help.
            return Err(match self.file {
                Some(path) if self.origins.values().all(is_file) => {
                    Mistake(format!("{}: {mistake}", path.display()))
                }
                _ => mistake,
            });
        }
        config.origins = self.origins;
        Ok(config)
    }
}

/// Reads a value as the environment or a flag has it.
fn read_value(form: Form, text: &str) -> Result<Value, String> {
    let bare = |text: &str| {
        let table: Option<Table> = toml::from_str(&format!("value = {text}")).ok();
        table
            .filter(|table| table.len() == 1)
            .and_then(|mut table| table.remove("value"))
    };
    match form {
        Form::Text => Ok(Value::String(text.to_owned())),
        Form::Bare => bare(text.trim())
            .ok_or_else(|| format!("{text:?} is neither a number nor true or false")),
        Form::List if text.trim_start().starts_with('[') => bare(text.trim())
            .ok_or_else(|| format!("{text:?} is no list; write values with commas between them")),
        Form::List => Ok(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
    }
}

/// The value of a key, be it in a table or not.
fn find<'table>(table: &'table Table, name: &str) -> Option<&'table Value> {
    match name.split_once('.') {
        Some((outer, inner)) => table.get(outer)?.as_table()?.get(inner),
        None => table.get(name),
    }
}

fn insert(table: &mut Table, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        table.insert(name.to_owned(), value);
        return;
    };
    let below = table
        .entry(outer)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(below) = below {
        below.insert(inner.to_owned(), value);
    }
}

/// The data folder when no flag names one, and who did.
fn default_data_folder(environment: &Environment) -> Result<(PathBuf, FolderOrigin), Mistake> {
    if let Some(folder) = environment.path("PARLOUR_DATA") {
        return Ok((folder, FolderOrigin::Variable("PARLOUR_DATA")));
    }
    if let Some(folder) = environment.path("STATE_DIRECTORY").map(first) {
        return Ok((folder, FolderOrigin::Variable("STATE_DIRECTORY")));
    }
    let here = Path::new("parlour-data");
    if here.is_dir() {
        return Ok((here.to_owned(), FolderOrigin::Here));
    }
    let home = || {
        environment
            .path("HOME")
            .map(|home| home.join(".local/share"))
    };
    // A relative one means nothing, says the specification.
    environment
        .path("XDG_DATA_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(home)
        .map(|data| (data.join("parlour"), FolderOrigin::Default))
        .ok_or_else(|| {
            Mistake("there is no home folder to keep data in; name one with --data DIR".to_owned())
        })
}

/// The first of several folders: systemd names all that it made, with colons between them.
fn first(folders: PathBuf) -> PathBuf {
    match folders.to_str().and_then(|text| text.split(':').next()) {
        Some(first) => first.into(),
        None => folders,
    }
}
