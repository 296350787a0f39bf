//! Passwords that an operator gives: hashed before anybody else sees them.

use super::prompt::{Asked, Terminal};
use crate::chat::PasswordHash;
use crate::config::Mistake;
use crate::crypto::password::{Hasher, Password};
use crate::limits::PASSWORD_BYTES_MAX;
use rand::TryRng;
use rand::rngs::SysRng;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Letters and digits that cannot be taken for one another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// So many of them are 100 bits.
const GENERATED_LETTERS: usize = 20;

/// Hashes `typed`.
pub(super) fn hash(typed: &str) -> Result<PasswordHash, Mistake> {
    let password = Password::new(typed).map_err(|error| Mistake(error.to_string()))?;
    let mut salt = [0; 16];
    fill(&mut salt)?;
    Ok(PasswordHash(Hasher::new().hash(&password, salt).into()))
}

/// The first line of a file, hashed.
pub(super) fn of_file(path: &Path) -> Result<PasswordHash, Mistake> {
    let refused = |error: &dyn std::fmt::Display| Mistake(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(|error| refused(&error))?;
    // Never moved while it grows, for that would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * PASSWORD_BYTES_MAX));
    let limit = u64::try_from(2 * PASSWORD_BYTES_MAX).expect("a small number");
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|error| refused(&error))?;
    let line = text.lines().next().unwrap_or("");
    hash(line).map_err(|mistake| refused(&mistake))
}

/// Asked for on the terminal, hidden, twice; hashed.
pub(super) fn asked_for(name: &str) -> Result<PasswordHash, Mistake> {
    let Some(mut terminal) = Terminal::open() else {
        return Err(Mistake(
            "there is no terminal to ask for the password on; use --password-file FILE".to_owned(),
        ));
    };
    match ask_twice(
        &mut terminal,
        &format!("New password for {name}: "),
        &mut || false,
    )? {
        Asked::Text(text) if text.is_empty() => {
            Err(Mistake("nothing was typed; nothing is changed".to_owned()))
        }
        Asked::Text(text) => hash(&text),
        Asked::Cancelled => Err(Mistake("nothing is changed".to_owned())),
    }
}

/// Asks until both answers are the same, or the first is empty.
pub(super) fn ask_twice(
    terminal: &mut Terminal,
    prompt: &str,
    is_over: &mut dyn FnMut() -> bool,
) -> Result<Asked, Mistake> {
    loop {
        let first = match terminal.ask(prompt, is_over)? {
            Asked::Text(text) if !text.is_empty() => text,
            answer @ (Asked::Text(_) | Asked::Cancelled) => return Ok(answer),
        };
        if let Err(error) = Password::new(&first) {
            terminal.say(&format!("{error}; try another"))?;
            continue;
        }
        match terminal.ask("Once more: ", is_over)? {
            Asked::Text(second) if *second == *first => return Ok(Asked::Text(first)),
            Asked::Text(_) => terminal.say("those were not the same; again")?,
            Asked::Cancelled => return Ok(Asked::Cancelled),
        }
    }
}

/// A password that nobody has to think of.
pub(super) fn generate() -> Result<Zeroizing<String>, Mistake> {
    let mut random = Zeroizing::new([0; GENERATED_LETTERS]);
    fill(&mut *random)?;
    let mut password = Zeroizing::new(String::with_capacity(2 * GENERATED_LETTERS));
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Ok(password)
}

/// Random bytes, from the system only.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), Mistake> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(|error| Mistake(format!("the system gives no random bytes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::password::Checked;

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "sesame\nnot this\n").unwrap();
        let PasswordHash(hash) = of_file(&path).unwrap();
        let password = Password::new("sesame").unwrap();
        assert_eq!(Hasher::new().check(&password, Some(&hash)), Checked::Right);
        for bad in ["", "\nx", &"x".repeat(600)] {
            std::fs::write(&path, bad).unwrap();
            let said = of_file(&path).unwrap_err().0;
            assert!(said.contains("password"), "{said}");
        }
        assert!(of_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn generated_passwords_are_long_and_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_eq!(one.len(), 23);
        assert_ne!(*one, *other);
        Password::new(&one).unwrap();
    }
}
