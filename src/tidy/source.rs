//! One source file as tidy sees it: its text, its code without comments, and the paths in it.
//!
//! Not a parser. It knows enough of the language to tell code from comments and strings, to find
//! where a path begins, and to take a braced list of paths apart; it knows no rule.

/// A file and what was found out about it.
pub(super) struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// Takes a file in; `path` is relative to the tree's root, with forward slashes.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let path = path.replace('\\', "/");
        let mut code = blank_out(text);
        if let Some(at) = code.find("\nmod tests {") {
            code.truncate(at);
        }
        Self {
            path,
            text: text.to_owned(),
            code,
        }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Everything in it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is compiled outside tests: no comments, no strings, no `mod tests`.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Words about this file.
    pub(super) fn fault(&self, what: &str) -> String {
        format!("{}: {what}", self.path)
    }

    /// Whether the file is the module at `place` or part of it.
    pub(super) fn is_under(&self, place: &str) -> bool {
        self.path
            .strip_prefix(place)
            .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// Whether the whole file is for tests.
    pub(super) fn is_test(&self) -> bool {
        let is_part = |part: &str| matches!(part, "tests" | "tests.rs");
        self.path.split('/').any(is_part) || self.is_under("src/sim")
    }

    /// The top-level module the file belongs to; for a program its own path. None outside `src`.
    pub(super) fn module(&self) -> Option<String> {
        let inside = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        if inside.starts_with("bin/") {
            return Some(inside.to_owned());
        }
        inside.split('/').next().map(str::to_owned)
    }

    /// Every path in the code that leads to the crate's root, as its segments below the root.
    pub(super) fn our_paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        for root in ["crate::", "parlour::"] {
            for at in self.starts_of(root) {
                expand(&self.code[at + root.len()..], &mut Vec::new(), &mut paths);
            }
        }
        let depth = self.depth();
        for at in self.starts_of("super::") {
            let rest = self.code[at..].trim_start_matches("super::");
            let ups = (self.code.len() - at - rest.len()) / "super::".len();
            if ups >= depth {
                expand(rest, &mut Vec::new(), &mut paths);
            }
        }
        paths
    }

    /// Whether the code names something of the crate `name`.
    pub(super) fn uses_crate(&self, name: &str) -> bool {
        let is_own_module = self.code.contains(&format!("mod {name};"));
        !is_own_module && !self.starts_of(&format!("{name}::")).is_empty()
    }

    /// The names of the fields and variables declared with the type `type_name`.
    pub(super) fn fields_of(&self, type_name: &str) -> Vec<String> {
        self.code
            .match_indices(&format!(": {type_name}<"))
            .map(|(at, _)| {
                let before = &self.code[..at];
                let begin = before.rfind(|c| !is_name(c)).map_or(0, |index| index + 1);
                before[begin..].to_owned()
            })
            .collect()
    }

    /// How many modules the file is below the crate's root.
    fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let is_unit = |part: &&str| !matches!(*part, "mod" | "lib");
        inside.split('/').filter(is_unit).count()
    }

    /// Where `path` stands in the code without anything before it that would make it another one.
    fn starts_of(&self, path: &str) -> Vec<usize> {
        self.code
            .match_indices(path)
            .map(|(at, _)| at)
            .filter(|at| {
                let before = self.code[..*at].chars().next_back();
                !before.is_some_and(|c| is_name(c) || c == ':')
            })
            .collect()
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Takes the path at the start of `code` apart, be it `a::b` or `{a::b, c::{d, e}}`, and returns
/// what follows it.
fn expand<'a>(code: &'a str, above: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut inside) = code.strip_prefix('{') {
        loop {
            inside = expand(inside, above, paths).trim_start();
            match inside.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => inside = next,
                Some(next) => return next.trim_start().strip_prefix('}').unwrap_or(next),
                None => return inside.strip_prefix('}').unwrap_or(inside),
            }
        }
    }
    let end = code.find(|c| !is_name(c) && c != '*').unwrap_or(code.len());
    let (segment, rest) = code.split_at(end);
    above.push(segment.to_owned());
    let rest = if let Some(below) = rest.strip_prefix("::") {
        expand(below, above, paths)
    } else {
        paths.push(above.clone());
        skip_alias(rest)
    };
    above.pop();
    rest
}

/// Steps over `as name`.
fn skip_alias(code: &str) -> &str {
    match code.trim_start().strip_prefix("as ") {
        Some(rest) => rest.trim_start().trim_start_matches(is_name),
        None => code,
    }
}

/// The code of `text` with comments and the insides of strings turned into spaces.
fn blank_out(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = blank_length(rest, code.chars().next_back());
        if blank == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let space = |c: char| if c == '\n' { '\n' } else { ' ' };
            code.extend(rest[..blank].chars().map(space));
            rest = &rest[blank..];
        }
    }
    code
}

/// How many bytes of `rest` are a comment, a string or a character; 0 when it begins with code.
fn blank_length(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map(|at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2).unwrap_or(rest.len());
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return 1 + quoted_length(inside);
    }
    let is_new = !before.is_some_and(is_name) || before == Some('b');
    if rest.starts_with('r') && is_new {
        let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
        if rest[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return until(&end, 2 + hashes).unwrap_or(rest.len());
        }
    }
    if rest.starts_with("'\\") {
        return until("'", 3).unwrap_or(rest.len());
    }
    let mut chars = rest.char_indices().skip(2);
    match chars.next() {
        Some((at, '\'')) if rest.starts_with('\'') => at + 1,
        Some(_) | None => 0,
    }
}

/// The length of a string's inside and its closing quote.
fn quoted_length(inside: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    inside.len()
}

#[test]
fn strings_characters_and_comments_are_told_from_code() {
    let text = "a(\"x \\\" b\", 'c', '\\'', '\"') // d\n/* e */ r#\"f \" g\"# h<'i>(\"\\\\\")";
    let code = blank_out(text);
    let left: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    assert_eq!(left, "a(,,,)h<'i>()");
    assert_eq!(code.len(), text.len());
}

#[test]
fn braced_paths_are_taken_apart() {
    let source = Source::new(
        "src/net/a.rs",
        "use crate::{a::B, c::{D as E, f::*,}, g};\nfn h() -> crate::i::J {}",
    );
    let paths: Vec<String> = source.our_paths().iter().map(|p| p.join("::")).collect();
    assert_eq!(paths, ["a::B", "c::D", "c::f::*", "g", "i::J"]);
}
