//! The first start: who makes the account `admin`, and with which password.

use super::password;
use super::password::{ask_twice, generate, hash};
use super::prompt::{Asked, Terminal};
use crate::chat::PasswordHash;
use crate::config::{ADMIN_PASSWORD_VARIABLE, Config, Mistake};
use crate::disk;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file with the generated password, in the data folder.
const PASSWORD_FILE: &str = "admin-password";

/// What the first start comes to.
#[derive(Debug)]
pub enum First {
    /// An account `admin` with this password; and what the operator is to be told.
    Admin(PasswordHash, Option<String>),
    /// None: nothing is kept, and no password was given.
    NoAdmin,
    /// The operator does not want to go on.
    Cancelled,
}

/// Finds the password of the account `admin`, which does not exist yet: what was given beforehand,
/// or what is typed on the terminal, or one made up. `is_over` tells whether the server has been
/// asked to stop meanwhile.
///
/// # Errors
///
/// A [`Mistake`] when what was given cannot be a password, or a made-up one cannot be written.
pub fn first_password(
    config: &Config,
    mut is_over: impl FnMut() -> bool,
) -> Result<First, Mistake> {
    if let Some(given) = std::env::var_os(ADMIN_PASSWORD_VARIABLE).filter(|text| !text.is_empty()) {
        let given = given.into_string().map(Zeroizing::new);
        let of_variable = |mistake: &dyn std::fmt::Display| {
            Mistake(format!("${ADMIN_PASSWORD_VARIABLE}: {mistake}"))
        };
        let given = given.map_err(|_| of_variable(&"it is not readable as text"))?;
        let hash = hash(&given).map_err(|mistake| of_variable(&mistake))?;
        return Ok(First::Admin(hash, None));
    }
    if let Some(path) = &config.admin_password_file {
        return Ok(First::Admin(password::of_file(path)?, None));
    }
    let folder = match &config.data {
        Some(folder) if !config.ephemeral => folder,
        Some(_) | None => return Ok(First::NoAdmin),
    };
    match Terminal::open() {
        Some(mut terminal) => ask(&mut terminal, &mut is_over),
        None => write_generated(folder),
    }
}

fn ask(terminal: &mut Terminal, is_over: &mut dyn FnMut() -> bool) -> Result<First, Mistake> {
    terminal.say(
        "First start. The account admin administers this server; Enter alone makes a \
         password up.",
    )?;
    match ask_twice(terminal, "Password for admin: ", is_over)? {
        Asked::Cancelled => Ok(First::Cancelled),
        Asked::Text(text) if text.is_empty() => {
            let password = generate()?;
            let hash = hash(&password)?;
            let words = format!("the password of admin, shown this once: {}", *password);
            Ok(First::Admin(hash, Some(words)))
        }
        Asked::Text(text) => Ok(First::Admin(hash(&text)?, None)),
    }
}

/// Makes a password up and leaves it in a file for the operator.
fn write_generated(folder: &Path) -> Result<First, Mistake> {
    let path = folder.join(PASSWORD_FILE);
    let password = generate()?;
    write_private(&path, &password)
        .map_err(|error| Mistake(format!("cannot write {}: {error}", path.display())))?;
    let words = format!(
        "the password of admin is in {}; delete that file when you have it",
        path.display()
    );
    Ok(First::Admin(hash(&password)?, Some(words)))
}

/// Writes a file that only its owner may read, over one that an earlier attempt left.
fn write_private(path: &PathBuf, text: &str) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = disk::create_private(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_password_is_made_up_and_left_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let First::Admin(hash, words) = write_generated(folder.path()).unwrap() else {
                panic!("there is a password")
            };
            let path = folder.path().join(PASSWORD_FILE);
            let words = words.unwrap();
            assert!(words.contains(path.to_str().unwrap()), "{words}");
            let password = std::fs::read_to_string(&path).unwrap();
            assert!(!words.contains(password.trim()), "only the path is told");
            assert!(hash.0.starts_with("$argon2id$"));
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn an_ephemeral_server_has_no_admin_unless_a_password_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            ephemeral: true,
            ..Config::default()
        };
        assert!(matches!(
            first_password(&config, || false),
            Ok(First::NoAdmin)
        ));
        let path = folder.path().join("password");
        std::fs::write(&path, "sesame\n").unwrap();
        config.admin_password_file = Some(path);
        let given = first_password(&config, || false);
        assert!(matches!(given, Ok(First::Admin(_, None))));
    }
}
