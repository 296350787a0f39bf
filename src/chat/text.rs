//! What of a text is kept: letters, TAB and line ends, and nothing that steers a terminal.
//!
//! Every text that one person can show to another passes here once, when it is accepted.

use std::borrow::Cow;

/// Removes from `text` what could steer a terminal or turn the direction of other words around.
///
/// Control characters go, but for TAB and LF; so do overrides of direction. CR LF and the line
/// separators of Unicode become LF; LFs at the end go. Borrows when nothing has to change.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().any(is_suspect) && text.chars().any(|letter| keep(letter) != Some(letter)) {
        let mut kept: String = text.chars().filter_map(keep).collect();
        kept.truncate(kept.trim_end_matches('\n').len());
        return Cow::Owned(kept);
    }
    Cow::Borrowed(text.trim_end_matches('\n'))
}

/// Cleans `text`, puts it on one line and cuts it to `bytes_max`.
pub(super) fn one_line(text: &str, bytes_max: usize) -> String {
    let mut line = clean(text).trim().replace('\n', " ");
    line.truncate(line.floor_char_boundary(bytes_max));
    line
}

/// Whether a byte may begin something that is not kept: C0, DEL, and the lead bytes of C1 and of
/// the block that holds the overrides and separators.
fn is_suspect(byte: u8) -> bool {
    match byte {
        b'\t' | b'\n' => false,
        0..=0x1f | 0x7f | 0xc2 | 0xe2 => true,
        0x20..=0xff => false,
    }
}

/// What becomes of one character.
fn keep(letter: char) -> Option<char> {
    match letter {
        '\t' | '\n' => Some(letter),
        '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        _ if letter.is_control() => None,
        _ => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "hello", "tab\tand\nline", "żółć ☕ 日本 café “quoted”"] {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text));
        }
        assert!(matches!(clean("ends\n\n"), Cow::Borrowed("ends")));
    }

    #[test]
    fn control_characters_and_overrides_are_removed() {
        assert_eq!(clean("a\u{1b}[2Jb\u{7}\u{7f}"), "a[2Jb");
        assert_eq!(clean("c1 \u{9b}31m\u{85}"), "c1 31m");
        for removed in [
            '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200e}', '\u{200f}', '\0',
        ] {
            assert_eq!(clean(&format!("x{removed}y")), "xy");
        }
        // Joiners are part of scripts and of emoji.
        assert_eq!(clean("a\u{200d}b"), "a\u{200d}b");
    }

    #[test]
    fn every_line_end_becomes_lf_and_none_is_left_at_the_end() {
        assert_eq!(clean("a\r\nb\u{2028}c\u{2029}d\r\n\n"), "a\nb\nc\nd");
        assert_eq!(clean("a\n\u{202e}"), "a");
    }

    #[test]
    fn one_line_has_no_line_end_and_is_cut_between_characters() {
        assert_eq!(one_line(" a\nb ", 10), "a b");
        assert_eq!(one_line("éé", 3), "é");
    }
}
