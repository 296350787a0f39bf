//! The documents agree with the programs.

use crate::harness::Program;
use crate::harness::server::bare_command;
use std::path::Path;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The limits as the server prints them: name, value, what happens.
fn limits() -> Vec<[String; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines, errors) = Program::run(bare_command(folder.path()).arg("--limits"), "");
    assert_eq!(code, 0, "{errors}");
    let fields = |line: &String| {
        let fields: Vec<&str> = line.split('\t').collect();
        let fields: [&str; 3] = fields.try_into().expect("a limit is three fields");
        fields.map(str::to_owned)
    };
    lines.iter().map(fields).collect()
}

/// The rows of the table below a heading, without its head.
fn table(text: &str, heading: &str) -> Vec<String> {
    let below = text.split_once(heading).expect("the heading is there").1;
    let is_row = |line: &&str| line.starts_with('|');
    let rows = below
        .lines()
        .skip_while(|line| !is_row(line))
        .take_while(is_row);
    rows.skip(2).map(str::to_owned).collect()
}

#[test]
fn the_readme_lists_the_limits_of_the_server() {
    let wanted: Vec<String> = limits()
        .iter()
        .map(|[name, value, what]| format!("| `{name}` | {value} | {what} |"))
        .collect();
    let found = table(&document("README.md"), "\n## Limits\n");
    assert!(
        found == wanted,
        "README.md's table should be:\n{}",
        wanted.join("\n")
    );
}

#[test]
fn the_protocol_s_numbers_are_the_server_s() {
    let text = document("docs/protocol.md");
    for number in [
        parlour::limits::RECORD_INNER_BYTES_MAX,
        parlour::limits::RECORD_INNER_BYTES_SENT_MAX,
        parlour::limits::MESSAGE_BYTES_MAX,
        parlour::limits::UNNAMED_MESSAGE_BYTES_MAX,
        parlour::limits::TEXT_BYTES_MAX,
        parlour::limits::HANDSHAKE_PAYLOAD_BYTES_MAX,
        parlour::limits::TEXT_LINES_MAX,
        parlour::limits::UNACKNOWLEDGED_MAX,
        parlour::limits::TOPIC_BYTES_MAX,
        parlour::limits::REASON_BYTES_MAX,
        parlour::limits::ROOMS_JOINED_MAX + 1,
        parlour::limits::COMMAND_BYTES_BURST,
        parlour::limits::COMMAND_BYTES_PER_SECOND,
        parlour::limits::REPLIES_OWED_BYTES_MAX,
        parlour::limits::PASSWORD_BYTES_MAX,
        parlour::limits::UNNAMED_PER_SOURCE_MAX,
        parlour::limits::NAMED_PER_SOURCE_MAX,
        parlour::limits::FAILURES_PER_SOURCE_MAX,
    ] {
        let spelt = with_commas(number);
        assert!(
            text.contains(&spelt),
            "docs/protocol.md does not name {spelt}"
        );
    }
}

#[test]
fn every_file_the_readme_names_is_there() {
    let text = document("README.md");
    let named = text.split(['(', ')', '`', ' ', '\n']).filter(|word| {
        let is_file = word.ends_with(".md") || word.ends_with(".rs") || word.ends_with('/');
        is_file && !word.contains(':') && !word.starts_with(['/', '~', '$'])
    });
    for name in named {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let exists = root.join(name).exists() || root.join("src").join(name).exists();
        assert!(exists, "README.md names {name}, which is not there");
    }
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

#[test]
fn the_operations_manual_lists_every_key_with_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let (_, lines, _) = Program::run(bare_command(folder.path()).arg("--print-config"), "");
    let mut wanted = Vec::new();
    let (mut table_name, mut needs) = ("", "");
    for line in &lines {
        if line == "[limits]" {
            table_name = "limits.";
        } else if line.starts_with('#') {
            let is_marked = line.starts_with("# * ");
            needs = if is_marked { "a restart" } else { "a reload" };
        } else if let Some((key, _)) = line.split_once(" = ") {
            let key = format!("{table_name}{key}");
            let variable = key.replace(['-', '.'], "_").to_uppercase();
            wanted.push(format!("| `{key}` | `PARLOUR_{variable}` | {needs} |"));
        }
    }
    let found = table(&document("docs/operations.md"), "\n## Configuration\n");
    assert!(
        found == wanted,
        "the table in docs/operations.md should be:\n{}",
        wanted.join("\n")
    );
}
