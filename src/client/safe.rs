//! What of a peer's text may reach the terminal.
//!
//! The server removes the same; this is the second wall, for a terminal obeys whatever it is
//! shown: no control character but TAB and LF passes, none that turns the reading direction, none
//! that is there without being seen, and no tower of marks that covers the rows around it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::limits::CLIENT_MARKS_PER_CHARACTER_MAX;

/// `text` without what could move the cursor, change the terminal, or hide or reverse words.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) || kept(text).eq(text.chars()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(kept(text).collect())
    }
}

/// The same for what stands in one row: line ends and TABs become spaces.
pub fn safe_row(text: &str) -> String {
    let flat = |character| match character {
        '\n' | '\t' => ' ',
        other => other,
    };
    kept(text).map(flat).collect()
}

/// What most texts are made of.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n')
}

/// The characters of `text` that may be shown.
fn kept(text: &str) -> impl Iterator<Item = char> {
    let mut marks = 0;
    text.chars().filter(move |&character| {
        if !is_harmless(character) {
            return false;
        }
        // Those without a width of their own stand on the one before.
        marks = match character.width() {
            Some(0) => marks + 1,
            Some(_) | None => 0,
        };
        marks <= CLIENT_MARKS_PER_CHARACTER_MAX
    })
}

fn is_harmless(character: char) -> bool {
    match character {
        '\t' | '\n' => true,
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm, and the two
        // characters that end a line or a paragraph.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        // What is there and is not seen: soft hyphens, spaces without width, joiners of words,
        // operators and fillers nobody sees, annotations, tags. The joiners of emoji and of
        // Persian, U+200C and U+200D, are none of them.
        '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        other => !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people have sent to terminals to harm who sits there.
    const HOSTILE: [&str; 24] = [
        "\u{1b}[2J",
        "\u{1b}[H",
        "\u{1b}[1A\u{1b}[2K",
        "\u{1b}[31;5;8m",
        "\u{1b}]0;owned\u{7}",
        "\u{1b}]2;owned\u{1b}\\",
        "\u{1b}]52;c;cm0gLXJmIH4K\u{7}",
        "\u{1b}]8;;http://evil.example\u{1b}\\",
        "\u{1b}P$q\"p\u{1b}\\",
        "\u{1b}[6n\u{1b}[c",
        "\u{1b}[?1049h\u{1b}[?25l",
        "\u{1b}(0\u{e}\u{f}",
        "\u{1b}c",
        "\u{1b}k title \u{1b}\\",
        "\u{9b}2J\u{9d}0;owned\u{9c}",
        "\u{90}tmux;\u{9c}\u{84}\u{85}",
        "\u{8}\u{8}\u{8}rewritten",
        "hidden\rshown",
        "\u{b}\u{c}\u{0}\u{7f}\u{5}",
        "\u{202e}reversed\u{202c}\u{2066}\u{2069}\u{200f}\u{61c}",
        "\u{2028}new line\u{2029}",
        "\u{e0041}\u{e0042}\u{e007f}tags",
        "in\u{200b}vis\u{2060}ib\u{ad}le\u{feff}\u{3164}",
        "\u{fff9}shown\u{fffa}hidden\u{fffb}",
    ];

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        for hostile in HOSTILE {
            for shown in [safe(hostile).into_owned(), safe_row(hostile)] {
                assert!(shown.len() < hostile.len(), "{hostile:?}");
                for character in shown.chars() {
                    assert!(!character.is_control(), "{hostile:?}: {shown:?}");
                    assert_ne!(character.width(), Some(0), "{hostile:?}: {shown:?}");
                }
            }
        }
        assert_eq!(safe("a\u{1b}[2Jb\u{9b}1mc\rd\u{8}"), "a[2Jb1mcd");
        assert_eq!(safe("ab\u{202e}dc\u{2066}"), "abdc");
        assert_eq!(safe_row("one\ntwo\tthree\u{7}"), "one two three");
    }

    #[test]
    fn what_people_write_passes_untouched() {
        for text in [
            "tab\tand\nline, zoë 漢",
            "👩‍👩‍👧 e\u{301} נ\u{5b0}",
            "می\u{200c}خواهم",
        ] {
            assert!(matches!(safe(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn marks_do_not_pile_up_over_other_rows() {
        let tower = format!("a{}b", "\u{301}".repeat(500));
        let shown = safe(&tower);
        assert_eq!(shown.chars().count(), 2 + CLIENT_MARKS_PER_CHARACTER_MAX);
        assert!(shown.ends_with('b'));
    }
}
