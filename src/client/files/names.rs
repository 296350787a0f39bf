//! Names of files from elsewhere, made safe.
//!
//! Whoever sends a file chooses what it is called, and may want it to be something that starts by
//! itself, hides, looks like an option, or lies elsewhere. What comes out here is one plain
//! component that every system takes.

use crate::limits::FILE_NAME_BYTES_MAX;

/// What a file is called of whose name nothing is left.
const NAMELESS: &str = "file";
/// Names that mean devices on some systems, whatever follows their first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// Such names with a digit behind them.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// The name under which a file that is called `text` elsewhere may be written.
///
/// The last component only; characters that move a cursor or mean something to a file system or a
/// shell's globs become `_`; no dot or dash in front, no dot or space at the end, no device, at
/// most [`FILE_NAME_BYTES_MAX`] bytes, the ending kept.
pub fn safe_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let name = plain.trim_start_matches(['.', '-', ' ']);
    let name = name.trim_end_matches(['.', ' ']);
    let name = if name.is_empty() { NAMELESS } else { name };
    let name = match is_device(name) {
        true => format!("_{name}"),
        false => name.to_owned(),
    };
    cut(&name, "", FILE_NAME_BYTES_MAX)
}

/// The same name with a number, for when it is taken: `name (1).ext`.
pub fn numbered(name: &str, number: u32) -> String {
    cut(name, &format!(" ({number})"), FILE_NAME_BYTES_MAX)
}

/// What a file is called while it is not whole; `mark` tells files of the same name apart.
pub fn part_name(name: &str, mark: &str) -> String {
    let suffix = format!(".{mark}.part");
    let room = FILE_NAME_BYTES_MAX - suffix.len();
    let stem = &name[..name.floor_char_boundary(room)];
    format!("{stem}{suffix}")
}

/// `name` with `inner` before its ending, the part before that cut so that it fits.
fn cut(name: &str, inner: &str, bytes_max: usize) -> String {
    let (stem, ending) = split(name);
    let room = bytes_max.saturating_sub(inner.len() + ending.len());
    let stem = &stem[..stem.floor_char_boundary(room)];
    let stem = match inner {
        // Cutting may have brought a space to the end.
        "" if ending.is_empty() => stem.trim_end_matches(['.', ' ']),
        _ => stem,
    };
    format!("{stem}{inner}{ending}")
}

/// A name's stem, and its ending with the dot; one that is longer than endings are is none.
fn split(name: &str) -> (&str, &str) {
    const ENDING_BYTES_MAX: usize = 16;
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= ENDING_BYTES_MAX => name.split_at(at),
        Some(_) | None => (name, ""),
    }
}

fn is_plain(character: char) -> bool {
    let turns_direction = matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    );
    let means_something = matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    !character.is_control() && !turns_direction && !means_something
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_lowercase();
    let is_numbered = |device: &str| {
        let digit = stem.strip_prefix(device);
        // Small digits count as digits there.
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}');
        digit.is_some_and(|digit| digit.chars().count() == 1 && digit.chars().all(is_digit))
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.into_iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_safe(name: &str) {
        assert!(
            !name.is_empty() && name.len() <= FILE_NAME_BYTES_MAX,
            "{name:?}"
        );
        assert!(!name.starts_with(['.', '-', ' ']), "{name:?}");
        assert!(!name.ends_with(['.', ' ']), "{name:?}");
        assert!(
            !name.contains(['/', '\\', '\0', ':', '*', '?', '\n', '\u{202e}']),
            "{name:?}"
        );
        assert!(!is_device(name), "{name:?}");
        let path = std::path::Path::new(name);
        assert_eq!(path.components().count(), 1, "{name:?}");
        assert_eq!(path.file_name(), Some(name.as_ref()), "{name:?}");
    }

    proptest! {
        #[test]
        fn whatever_a_file_is_called_its_name_is_safe_and_stays_what_it_is(
            name in prop_oneof![
                any::<String>(),
                "[./\\\\ -]{0,20}[a-z:]{0,4}[./\\\\ -]{0,300}",
                "(con|nul|com1|LPT9)(\\.[a-z. ]{0,9})?",
                "[\u{e9}a-z. ]{200,400}",
            ],
            number in any::<u32>(),
        ) {
            let safe = safe_name(&name);
            assert_safe(&safe);
            prop_assert_eq!(&safe_name(&safe), &safe);
            assert_safe(&numbered(&safe, number));
            assert_safe(&part_name(&safe, "0123456789abcdef"));
        }
    }

    #[test]
    fn names_are_what_one_would_expect() {
        for (given, safe) in [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("C:evil", "C_evil"),
            (".bashrc", "bashrc"),
            ("--rm -rf", "rm -rf"),
            ("a\nb\u{1b}[2J.txt", "a_b_[2J.txt"),
            ("cod\u{202e}gpj.exe", "cod_gpj.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com7", "_com7"),
            ("LPT\u{b2}.txt", "_LPT\u{b2}.txt"),
            ("conin$", "_conin$"),
            ("com77", "com77"),
            ("common.txt", "common.txt"),
            ("..", "file"),
            ("dir/", "file"),
            ("", "file"),
            ("z\u{fc}rich \u{6f22}.txt", "z\u{fc}rich \u{6f22}.txt"),
        ] {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
    }

    #[test]
    fn a_number_stands_before_the_ending_however_long_the_name_is() {
        assert_eq!(numbered("a.tar.gz", 1), "a.tar (1).gz");
        assert_eq!(numbered("a", 2), "a (2)");
        let long = format!("{}.jpg", "x".repeat(251));
        assert_eq!(numbered(&long, 1), format!("{} (1).jpg", "x".repeat(247)));
        assert_eq!(part_name("a.jpg", "7"), "a.jpg.7.part");
    }
}
