//! Confinement: the process gives up the right to write anywhere but in a few folders.
//!
//! What a peer sends decides the names of files. That such a name stays in the folder it was
//! promised is checked where files are made; this makes the kernel hold the same promise, whatever
//! the rest of the program does, and no program can be started either. It is in force for as long
//! as the process lives, so it is done before the first byte goes to or comes from the network.
//! Where the kernel cannot do it (Linux has been able to since 5.13, others never), that is said.
//!
//! Source: Landlock, <https://docs.kernel.org/userspace-api/landlock.html>.

use std::fmt;
use std::path::PathBuf;

/// What is left to the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confines {
    /// Folders in which it can write; each must exist.
    pub writable: Vec<PathBuf>,
    /// Files and folders that it can read beside those; all files when absent.
    pub readable: Option<Vec<PathBuf>>,
}

/// How far the kernel holds the process to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// In all of it.
    Whole,
    /// In what this kernel knows of; the words say what it does not.
    Partial,
    /// Not at all, and why.
    Absent(String),
}

impl fmt::Display for Confinement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => write!(formatter, "the kernel holds this program to it"),
            Self::Partial => write!(
                formatter,
                "the kernel holds this program to it, but for what an older kernel lets through"
            ),
            Self::Absent(why) => write!(
                formatter,
                "only its own care holds this program to it: {why}"
            ),
        }
    }
}

/// What finding a host's address and the local time needs to read.
#[cfg(target_os = "linux")]
const SYSTEM_FILES: [&str; 13] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/localtime",
    "/etc/services",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
];

/// Devices that a terminal program opens again and again.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 2] = ["/dev/tty", "/dev/null"];

/// Gives up everything but `confines`, for this thread and those it begins: to be called before
/// there are others, and before anything is sent or received. There is no way back.
#[cfg(target_os = "linux")]
#[must_use]
pub fn confine(confines: &Confines) -> Confinement {
    match enforce(confines) {
        Ok(landlock::RulesetStatus::FullyEnforced) => Confinement::Whole,
        Ok(landlock::RulesetStatus::PartiallyEnforced) => Confinement::Partial,
        Ok(landlock::RulesetStatus::NotEnforced) => {
            Confinement::Absent("this kernel has no Landlock".to_owned())
        }
        Err(error) => Confinement::Absent(error.to_string()),
    }
}

/// The same where there is nothing to confine with.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn confine(_: &Confines) -> Confinement {
    Confinement::Absent("only Linux has Landlock".to_owned())
}

#[cfg(target_os = "linux")]
fn enforce(confines: &Confines) -> Result<landlock::RulesetStatus, landlock::RulesetError> {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr,
    };
    use std::path::Path;
    // The newest kernel interface whose rights are known to be right here; an older kernel takes
    // what it knows of.
    let abi = ABI::V6;
    let (write, read) = (AccessFs::from_write(abi), AccessFs::from_read(abi));
    let all = AccessFs::from_all(abi);
    let may_read = read & !landlock::BitFlags::from(AccessFs::Execute);
    let handled = if confines.readable.is_some() {
        all
    } else {
        write | AccessFs::Execute
    };
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(handled)?
        .create()?;
    let mut allow =
        |path: &Path, access: landlock::BitFlags<AccessFs>| -> Result<(), landlock::RulesetError> {
            // What is not there cannot be allowed, and needs not be.
            let Ok(opened) = PathFd::new(path) else {
                return Ok(());
            };
            let access = if path.is_dir() {
                access
            } else {
                access & AccessFs::from_file(abi)
            };
            let access = access & handled;
            if !access.is_empty() {
                (&mut rules).add_rule(PathBeneath::new(opened, access))?;
            }
            Ok(())
        };
    for folder in &confines.writable {
        allow(folder, write | may_read)?;
    }
    for device in DEVICES {
        allow(Path::new(device), write | may_read)?;
    }
    for path in confines.readable.iter().flatten() {
        allow(path, may_read)?;
    }
    for path in SYSTEM_FILES {
        allow(Path::new(path), may_read)?;
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// Runs `test` confined, on a thread of its own; not at all where the kernel cannot confine.
    fn confined(confines: Confines, test: impl FnOnce() + Send + 'static) {
        let run = move || match confine(&confines) {
            Confinement::Whole | Confinement::Partial => test(),
            Confinement::Absent(why) => {
                assert!(
                    std::env::var_os("PARLOUR_CI").is_none(),
                    "not confined: {why}"
                );
                eprintln!("SKIPPED: {why}");
            }
        };
        std::thread::spawn(run).join().expect("the test holds");
    }

    #[test]
    fn nothing_is_written_but_in_the_folders_named() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (into, beside) = (inside.path().to_owned(), outside.path().to_owned());
        fs::write(beside.join("old"), "old").unwrap();
        symlink(&beside, into.join("planted")).unwrap();
        symlink(beside.join("old"), into.join("innocent")).unwrap();
        let confines = Confines {
            writable: vec![into.clone()],
            readable: None,
        };
        confined(confines, move || {
            fs::write(into.join("a.part"), "text").unwrap();
            fs::hard_link(into.join("a.part"), into.join("a")).unwrap();
            fs::remove_file(into.join("a.part")).unwrap();
            assert_eq!(fs::read_to_string(into.join("a")).unwrap(), "text");
            assert_eq!(fs::read_to_string(beside.join("old")).unwrap(), "old");
            for path in [
                beside.join("new"),
                beside.join("old"),
                into.join("planted/new"),
                into.join("innocent"),
                into.join("../escaped"),
            ] {
                let refused = fs::write(&path, "bad").unwrap_err();
                assert_eq!(
                    refused.kind(),
                    std::io::ErrorKind::PermissionDenied,
                    "{path:?}"
                );
            }
            assert!(fs::remove_file(beside.join("old")).is_err());
            assert!(fs::rename(into.join("a"), beside.join("a")).is_err());
            assert!(fs::hard_link(into.join("a"), beside.join("a")).is_err());
            assert!(fs::create_dir(beside.join("folder")).is_err());
            assert!(std::process::Command::new("/bin/true").status().is_err());
        });
        assert_eq!(
            fs::read_to_string(outside.path().join("old")).unwrap(),
            "old"
        );
    }

    #[test]
    fn nothing_is_read_but_what_is_named_when_reading_is_confined_too() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (into, beside) = (inside.path().to_owned(), outside.path().to_owned());
        fs::write(beside.join("named"), "named").unwrap();
        fs::write(beside.join("secret"), "secret").unwrap();
        let confines = Confines {
            writable: vec![into.clone()],
            readable: Some(vec![beside.join("named")]),
        };
        confined(confines, move || {
            fs::write(into.join("a"), "text").unwrap();
            assert_eq!(fs::read_to_string(into.join("a")).unwrap(), "text");
            assert_eq!(fs::read_to_string(beside.join("named")).unwrap(), "named");
            assert!(fs::read_to_string(beside.join("secret")).is_err());
            assert!(fs::read_dir(&beside).is_err());
            assert!(fs::write(beside.join("named"), "bad").is_err());
            assert!(fs::read_to_string("/etc/hosts").is_ok());
        });
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_hole() {
        let outside = tempfile::tempdir().unwrap();
        let beside = outside.path().to_owned();
        let confines = Confines {
            writable: vec![beside.join("missing")],
            readable: None,
        };
        confined(confines, move || {
            assert!(fs::create_dir(beside.join("missing")).is_err());
        });
    }
}
