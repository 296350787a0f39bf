//! Confinement: this process can write in a few folders and nowhere else, even if it wanted to.
//!
//! The kernel's Landlock enforces it, where there is one that knows it. It holds for the thread that
//! asks and for all it starts, so it must be asked for before any other is started, and before the
//! first byte from elsewhere is read.

use std::path::Path;

/// What became of the wish to be confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confined {
    /// Writing elsewhere fails from now on.
    Fully,
    /// Some ways to write elsewhere are shut; this kernel does not know the others.
    Partly,
    /// This system cannot do it.
    Not,
}

/// Lets this thread, and those it starts, write beneath `folders` only. They must exist. Reading is
/// as before.
#[cfg(target_os = "linux")]
pub fn confine_writing(folders: &[&Path]) -> Confined {
    use landlock::{
        ABI, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
        path_beneath_rules,
    };
    // Everything that changes a file or a folder, truncating and moving among folders included;
    // what an older kernel does not know is left out.
    let writing = AccessFs::from_write(ABI::V3);
    let restrict = || -> Result<RulesetStatus, RulesetError> {
        let ruleset = Ruleset::default().handle_access(writing)?.create()?;
        let ruleset = ruleset.add_rules(path_beneath_rules(folders, writing))?;
        Ok(ruleset.restrict_self()?.ruleset)
    };
    match restrict() {
        Ok(RulesetStatus::FullyEnforced) => Confined::Fully,
        Ok(RulesetStatus::PartiallyEnforced) => Confined::Partly,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confined::Not,
    }
}

/// Lets this thread, and those it starts, write beneath `folders` only; not on this system.
#[cfg(not(target_os = "linux"))]
pub fn confine_writing(_folders: &[&Path]) -> Confined {
    Confined::Not
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs;

    /// Goal: nothing outside is made, changed or removed. Method: a thread of its own is confined,
    /// and so is one that it starts; what they may not do fails, what they may do does not.
    #[test]
    fn writing_elsewhere_fails_from_within() {
        let folder = tempfile::tempdir().unwrap();
        let (within, outside) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir(&within).unwrap();
        fs::write(&outside, "untouched").unwrap();
        let (allowed, victim) = (within.clone(), outside.clone());
        let attempt = move || {
            let confined = confine_writing(&[&allowed]);
            let child = std::thread::spawn(move || {
                let escaped = [
                    fs::write(&victim, "changed").is_ok(),
                    fs::remove_file(&victim).is_ok(),
                    fs::write(victim.with_extension("new"), "made").is_ok(),
                    fs::rename(&victim, allowed.join("taken")).is_ok(),
                ];
                fs::write(allowed.join("a.part"), "received").unwrap();
                fs::rename(allowed.join("a.part"), allowed.join("a")).unwrap();
                (escaped, fs::read(&victim).is_ok())
            });
            (confined, child.join().unwrap())
        };
        let (confined, (escaped, can_read)) = std::thread::spawn(attempt).join().unwrap();
        assert!(can_read, "reading is as before");
        if confined == Confined::Fully {
            assert_eq!(escaped, [false; 4]);
            assert_eq!(fs::read(&outside).unwrap(), b"untouched");
            assert_eq!(fs::read(within.join("a")).unwrap(), b"received");
        }
    }
}
