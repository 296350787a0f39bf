//! How words look: colours where they are wanted, weight where only colours are not, and nothing
//! on a terminal that knows neither. Pure.

use crate::chat::Name;

const RESET: &str = "\x1b[0m";

/// What a terminal can do, and what of it the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Colours.
    Colours,
    /// Weight and reversal only (`NO_COLOR`).
    Weights,
    /// Nothing but characters (`TERM=dumb`).
    Nothing,
}

/// What words are, which decides how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As they are.
    Plain,
    /// What is of less interest.
    Faint,
    /// The client's and the server's own words.
    Notice,
    /// What went wrong.
    Trouble,
    /// What was said in private.
    Private,
    /// One's own name.
    Marked,
    /// Where the unread begins.
    Mark,
    /// Somebody's name.
    Person(Name),
}

/// One for each name; those of trouble, privacy and one's own name are not among them.
const OF_PEOPLE: [&str; 9] = [
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[34m",
    "\x1b[36m",
    "\x1b[92m",
    "\x1b[94m",
    "\x1b[96m",
    "\x1b[38;5;208m",
    "\x1b[38;5;141m",
];

impl Ability {
    /// Appends `text` in that style.
    pub fn append(self, style: Style, text: &str, out: &mut String) {
        let before = match self {
            Self::Colours => colour(style),
            Self::Weights => weight(style),
            Self::Nothing => "",
        };
        if before.is_empty() || text.is_empty() {
            return out.push_str(text);
        }
        out.push_str(before);
        out.push_str(text);
        out.push_str(RESET);
    }
}

fn colour(style: Style) -> &'static str {
    match style {
        Style::Plain => "",
        Style::Faint => "\x1b[2m",
        Style::Notice => "\x1b[36m",
        Style::Trouble => "\x1b[31m",
        Style::Private => "\x1b[35m",
        Style::Marked => "\x1b[1;33m",
        Style::Mark => "\x1b[1;31m",
        Style::Person(name) => OF_PEOPLE[index(name, OF_PEOPLE.len())],
    }
}

fn weight(style: Style) -> &'static str {
    match style {
        Style::Plain | Style::Notice => "",
        Style::Faint => "\x1b[2m",
        Style::Trouble | Style::Private | Style::Mark | Style::Person(_) => "\x1b[1m",
        Style::Marked => "\x1b[7m",
    }
}

/// The same for a name whenever it is seen, however it is capitalised.
///
/// # Source
///
/// FNV-1a, Fowler, Noll, Vo: 1991.
fn index(name: Name, count: usize) -> usize {
    let hash = name.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    });
    // The low bits alone mix badly.
    (hash ^ (hash >> 16)) as usize % count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ability: Ability, style: Style) -> String {
        let mut out = String::new();
        ability.append(style, "word", &mut out);
        out
    }

    #[test]
    fn a_name_keeps_its_colour_and_others_have_others() {
        let person = |text| Style::Person(Name::parse(text).unwrap());
        let of = |text| shown(Ability::Colours, person(text));
        assert_eq!(of("alice"), of("ALICE"));
        let all: std::collections::BTreeSet<_> = ["alice", "bob", "carol", "dave", "eve", "frank"]
            .map(of)
            .into();
        assert!(all.len() >= 4, "{all:?}");
    }

    #[test]
    fn who_wants_no_colour_gets_none() {
        for style in [Style::Trouble, Style::Private, Style::Marked, Style::Faint] {
            let weighed = shown(Ability::Weights, style);
            assert!(
                !weighed.contains("\x1b[3") && weighed.contains("\x1b["),
                "{style:?}"
            );
            assert_eq!(shown(Ability::Nothing, style), "word");
        }
    }
}
