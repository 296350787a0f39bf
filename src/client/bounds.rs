//! Bounds: where this program can write from now on, and what it can read.
//!
//! In force before anything is connected to and before any thread is started: what runs is held to
//! its own folders and the one for received files, whatever a peer makes it do.

use std::fmt;
use std::path::{Path, PathBuf};

use super::confine::{Confinement, Confines, confine};
use super::folder::{StateFolder, shown_path};
use crate::disk;

/// What a run needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs<'a> {
    /// Where received files go; it is there.
    pub downloads: Option<&'a Path>,
    /// The file of this client's key, if it is one of one's own choice.
    pub identity: Option<&'a Path>,
    /// What can be read, if not everything.
    pub readable: Option<&'a [PathBuf]>,
}

/// What the program is held to, in words.
#[derive(Clone, Debug)]
pub struct Bounds {
    confinement: Confinement,
    downloads: Option<PathBuf>,
    /// The files and folders that it can read because they were named; all when absent.
    readable: Option<Vec<PathBuf>>,
}

/// Gives up all but what is needed. There is no way back.
pub fn hold_to(needs: Needs<'_>) -> Bounds {
    let mut folders: Vec<PathBuf> = needs.downloads.map(Path::to_owned).into_iter().collect();
    // A key of one's own choice may have to be made.
    let key = needs.identity.filter(|path| !path.exists());
    let of_key = key.and_then(Path::parent).map(|folder| match folder {
        bare if bare.as_os_str().is_empty() => PathBuf::from("."),
        named => named.to_owned(),
    });
    let state = StateFolder::find().ok().map(|state| state.path(""));
    // What cannot be made is missed when something is to be written there.
    let own = of_key.into_iter().chain(state);
    folders.extend(own.filter(|folder| disk::make_private_folder(folder).is_ok()));
    let named = needs.readable.map(<[PathBuf]>::to_vec);
    let readable = named.clone().map(|mut paths| {
        paths.extend(needs.identity.map(Path::to_owned));
        paths
    });
    let confines = Confines {
        writable: folders,
        readable,
    };
    Bounds {
        confinement: confine(&confines),
        downloads: needs.downloads.map(Path::to_owned),
        readable: named,
    }
}

impl Bounds {
    /// Whether the system holds the program to them.
    pub fn is_held(&self) -> bool {
        match self.confinement {
            Confinement::Whole | Confinement::Partial => true,
            Confinement::Absent(_) => false,
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = &self.downloads {
            write!(f, "received files go to {}; ", shown_path(folder))?;
        }
        match &self.confinement {
            Confinement::Whole | Confinement::Partial => f.write_str(match self.downloads {
                Some(_) => "this program can write nowhere else but in its own folder",
                None => "this program can write nowhere but in its own folder",
            })?,
            absent @ Confinement::Absent(_) => return absent.fmt(f),
        }
        match self.readable.as_deref() {
            None => Ok(()),
            Some([]) => f.write_str(
                "\nit can read nothing of yours, so /send has nothing to send: --readable FILE names it",
            ),
            Some(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| shown_path(path)).collect();
                write!(f, "\nit can read nothing of yours but {}", paths.join(", "))
            }
        }
    }
}
