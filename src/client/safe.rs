//! What of a peer's text may reach the terminal.
//!
//! The server removes the same; this is the second wall, for a terminal obeys whatever it is
//! shown: no control character but TAB and LF passes, and none that turns the reading direction.

use std::borrow::Cow;

/// `text` without what could move the cursor, change the terminal or show words reversed.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|&c| is_harmless(c)).collect())
    }
}

/// The same for what stands in one row: line ends and TABs become spaces.
pub fn safe_row(text: &str) -> String {
    let flat = |character| match character {
        '\n' | '\t' => ' ',
        other => other,
    };
    text.chars().filter(|&c| is_harmless(c)).map(flat).collect()
}

fn is_harmless(character: char) -> bool {
    match character {
        '\t' | '\n' => true,
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm, and the two
        // characters that end a line or a paragraph.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        other => !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(safe("a\u{1b}[2Jb\u{9b}1mc\rd\u{8}"), "a[2Jb1mcd");
        assert_eq!(safe("ab\u{202e}dc\u{2066}"), "abdc");
        assert!(matches!(safe("tab\tand\nline, zoë 漢"), Cow::Borrowed(_)));
        assert_eq!(safe_row("one\ntwo\tthree\u{7}"), "one two three");
    }
}
