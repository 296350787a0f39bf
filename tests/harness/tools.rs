//! Other people's programs, and what the system lends.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// The first of `names` that is installed.
///
/// With none the test that asked must end; it does so loudly, and where nothing may be missing
/// (`PARLOUR_CI`) it fails.
#[track_caller]
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .collect();
    let found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        skip(&format!("none of {names:?} is installed"));
    }
    found
}

/// Whether this user may make namespaces, mount disks and capture packets; if not, the test ends as
/// in [`find`].
#[track_caller]
pub(crate) fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("it needs root");
    }
    is_root
}

/// A Python that has the ciphers; if there is none, the test ends as in [`find`].
///
/// The system's own comes first, for it is the one that the system's packages are for.
#[track_caller]
pub(crate) fn python_with_ciphers() -> Option<PathBuf> {
    let has_ciphers = |python: &PathBuf| {
        let import = "from cryptography.hazmat.primitives.ciphers.aead import AESGCM";
        let tried = Command::new(python).args(["-c", import]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let system = Some(PathBuf::from("/usr/bin/python3")).filter(|python| python.is_file());
    let python = system.or_else(|| find(&["python3"]))?;
    if has_ciphers(&python) {
        return Some(python);
    }
    skip("python3-cryptography is not installed");
    None
}

/// Says that a test was not run, past the capture of its output.
#[track_caller]
fn skip(why: &str) {
    assert!(std::env::var_os("PARLOUR_CI").is_none(), "{why}");
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    // If standard error is gone nobody is left to be told.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Lets this process hold as many sockets as the system allows it.
pub(crate) fn raise_open_files_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        // If it may not be raised, the tests that need it say so by failing to connect.
        let _ = setrlimit(Resource::Nofile, raised);
    });
}
