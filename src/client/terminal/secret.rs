//! A secret being typed. Nothing of it is shown, put back, completed or remembered.

use super::editor::Edit;
use crate::limits::CLIENT_SECRET_BYTES_MAX;
use zeroize::Zeroizing;

/// The secret typed so far; wiped when it is dropped.
pub(super) struct SecretLine(Zeroizing<String>);

impl SecretLine {
    pub(super) fn new() -> Self {
        // Room for all there may be: a text that moves while it grows leaves copies behind.
        Self(Zeroizing::new(String::with_capacity(
            CLIENT_SECRET_BYTES_MAX,
        )))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what was typed or pasted. A paste may end with a line end, which counts for nothing; one
    /// of several lines is no secret.
    pub(super) fn insert(&mut self, typed: &str) -> Edit {
        let typed = typed.trim_end_matches(['\r', '\n']);
        let is_one_row = !typed.chars().any(char::is_control);
        let fits = self.0.len() + typed.len() <= CLIENT_SECRET_BYTES_MAX;
        if typed.is_empty() || !is_one_row || !fits {
            return Edit::Nothing;
        }
        self.0.push_str(typed);
        Edit::Done
    }

    /// Removes the last character.
    pub(super) fn backspace(&mut self) -> Edit {
        match self.0.pop() {
            Some(_) => Edit::Done,
            None => Edit::Nothing,
        }
    }

    /// Removes everything.
    pub(super) fn clear(&mut self) -> Edit {
        match self.is_empty() {
            true => Edit::Nothing,
            false => {
                *self = Self::new();
                Edit::Done
            }
        }
    }

    /// The finished secret.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_row_of_bounded_length() {
        let mut line = SecretLine::new();
        let place = line.text().as_ptr();
        assert_eq!(line.insert("ses"), Edit::Done);
        assert_eq!(line.insert("ame\r\n"), Edit::Done);
        for refused in ["", "\n", "two\nlines", "\u{1b}[A"] {
            assert_eq!(line.insert(refused), Edit::Nothing, "{refused:?}");
        }
        assert_eq!(line.text(), "sesame");
        let rest = "é".repeat((CLIENT_SECRET_BYTES_MAX - line.text().len()) / 2);
        assert_eq!(line.insert(&rest), Edit::Done);
        assert_eq!(line.insert("x"), Edit::Nothing);
        assert_eq!(line.text().as_ptr(), place, "it never moved");
        assert_eq!(line.backspace(), Edit::Done);
        assert_eq!(line.clear(), Edit::Done);
        assert!(line.is_empty());
        assert_eq!(line.backspace(), Edit::Nothing);
        assert_eq!(line.clear(), Edit::Nothing);
    }
}
