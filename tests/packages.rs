//! What we build on: only permissive licences, and each crate once.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences under which a crate may be passed on with a program of any licence.
const PERMISSIVE: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that may be there in several versions: they run while building, not in the programs.
const BUILD_DUPLICATES: [&str; 1] = ["syn"];

/// Crates for tests alone that bring older generations of what we use: `snow` is the oracle of
/// the handshake, and has its own ciphers for the better.
const TEST_ONLY_WITH_DUPLICATES: [&str; 1] = ["snow"];

/// Crates that tests, beside those above, may bring in several versions.
const TEST_DUPLICATES: [&str; 2] = ["syn", "getrandom"];

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Programs,
    Tests,
}

/// All packages of the workspace and below, as cargo describes them.
struct Packages {
    described: BTreeMap<String, Value>,
    nodes: BTreeMap<String, Value>,
    members: Vec<String>,
}

impl Packages {
    /// Asks cargo, without the network, about what this kind of machine needs.
    fn read() -> Self {
        let version = run(Command::new(env!("CARGO")).arg("-vV"));
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .expect("cargo names its host");
        let text = run(Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .args(["--filter-platform", host])
            .current_dir(env!("CARGO_MANIFEST_DIR")));
        let all: Value = serde_json::from_str(&text).unwrap();
        Self {
            described: by_id(&all["packages"]),
            nodes: by_id(&all["resolve"]["nodes"]),
            members: strings(&all["workspace_members"]),
        }
    }

    /// The ids of everything the workspace needs for `purpose`, stopping at the crates `except`.
    fn needed(&self, purpose: Purpose, except: &[&str]) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        let mut open = self.members.clone();
        while let Some(id) = open.pop() {
            if except.contains(&self.name(&id)) || !needed.insert(id.clone()) {
                continue;
            }
            for below in self.nodes[&id]["deps"].as_array().unwrap() {
                let is_wanted = below["dep_kinds"].as_array().unwrap().iter().any(|kind| {
                    kind["kind"] != "dev" || (purpose == Purpose::Tests && self.is_member(&id))
                });
                if is_wanted {
                    open.push(below["pkg"].as_str().unwrap().to_owned());
                }
            }
        }
        needed
    }

    fn is_member(&self, id: &str) -> bool {
        self.members.iter().any(|member| member == id)
    }

    fn name(&self, id: &str) -> &str {
        self.described[id]["name"].as_str().unwrap()
    }

    /// The names that stand for more than one version, with the versions.
    fn duplicates(&self, ids: &BTreeSet<String>, allowed: &[&str]) -> Vec<String> {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for id in ids {
            let version = self.described[id]["version"].as_str().unwrap();
            versions.entry(self.name(id)).or_default().push(version);
        }
        versions
            .iter()
            .filter(|(name, versions)| versions.len() > 1 && !allowed.contains(name))
            .map(|(name, versions)| format!("{name} {}", versions.join(" ")))
            .collect()
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn by_id(list: &Value) -> BTreeMap<String, Value> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone()))
        .collect()
}

fn strings(list: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

/// Whether one may choose only permissive licences out of an SPDX expression.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let is_permissive = either(&mut words);
    is_permissive && words.is_empty()
}

/// `all (OR all)*`; the words stand in reverse, so that the next is the last.
fn either(words: &mut Vec<&str>) -> bool {
    let mut is_permissive = all(words);
    while words.pop_if(|word| *word == "OR").is_some() {
        is_permissive |= all(words);
    }
    is_permissive
}

/// `one (AND one)*`.
fn all(words: &mut Vec<&str>) -> bool {
    let mut is_permissive = one(words);
    while words.pop_if(|word| *word == "AND").is_some() {
        is_permissive &= one(words);
    }
    is_permissive
}

/// A licence, perhaps with an exception, which only ever permits more, or a bracket.
fn one(words: &mut Vec<&str>) -> bool {
    match words.pop() {
        Some("(") => either(words) && words.pop() == Some(")"),
        Some(licence) => {
            if words.pop_if(|word| *word == "WITH").is_some() {
                words.pop();
            }
            PERMISSIVE.contains(&licence)
        }
        None => false,
    }
}

#[test]
fn every_licence_is_permissive() {
    let packages = Packages::read();
    let bad: Vec<String> = packages
        .described
        .iter()
        .map(|(id, package)| (id, package["license"].as_str().unwrap_or("none")))
        .filter(|(_, licence)| !is_permissive(licence))
        .map(|(id, licence)| format!("{}: {licence}", packages.name(id)))
        .collect();
    assert!(packages.described.len() > 50, "cargo named hardly a crate");
    assert!(bad.is_empty(), "not permissive: {bad:?}");
}

#[test]
fn the_programs_contain_each_crate_once() {
    let packages = Packages::read();
    let needed = packages.needed(Purpose::Programs, &[]);
    let duplicates = packages.duplicates(&needed, &BUILD_DUPLICATES);
    assert!(duplicates.is_empty(), "several versions of: {duplicates:?}");
    assert!(needed.iter().any(|id| packages.name(id) == "mio"));
    assert!(needed.iter().all(|id| packages.name(id) != "snow"));
}

#[test]
fn the_tests_bring_only_the_stated_duplicates() {
    let packages = Packages::read();
    let needed = packages.needed(Purpose::Tests, &TEST_ONLY_WITH_DUPLICATES);
    let duplicates = packages.duplicates(&needed, &TEST_DUPLICATES);
    assert!(duplicates.is_empty(), "several versions of: {duplicates:?}");
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
    ] {
        assert!(is_permissive(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT AND (GPL-3.0 OR AGPL-3.0)",
        "MIT MIT",
    ] {
        assert!(!is_permissive(bad), "{bad}");
    }
}
