//! Tidy: what the compiler does not check of how this tree is built.
//!
//! Who may import whom ([`LAYERS`]), what the pure modules must not touch, how long a file may be,
//! which words may not stay, where the clock is read and where slots are freed. Every rule is a
//! function from sources to faults, so that the rules themselves are tested on sources made up
//! for it; one test applies them all to the tree.
//!
//! Knows text only: it finds paths by their spelling, so a module renamed on import escapes it.

mod source;

use source::Source;
use std::path::{Path, PathBuf};

/// Lines above which a file must be split.
const FILE_LINES_MAX: usize = 800;

/// Words that say that something is not finished, or was left from a search.
const BANNED: [&str; 7] = [
    "todo!",
    "unimplemented!",
    "FIXME",
    "XXX",
    "dbg!",
    "#[ignore",
    "#![allow(dead_code",
];

/// The files that may read the clock, each for its own program.
const CLOCKS: [&str; 5] = [
    "benches/archive.rs",
    "src/admin/clock.rs",
    "src/net/clock.rs",
    "src/client/clock.rs",
    "loadtest/src/clock.rs",
];

/// What a pure module must not touch.
const IMPURE: [&str; 10] = [
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "std::os",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "Instant::",
    "SystemTime::",
];

/// The modules without a socket, clock, thread or disk; the client's protocol side is one of them.
const PURE: [&str; 8] = [
    "src/buffer",
    "src/chat",
    "src/client/session",
    "src/crypto",
    "src/fanout",
    "src/files",
    "src/limits",
    "src/wire",
];

/// What a module may take from `chat` when it may use its words but not its decisions.
const VOCABULARY: [&str; 5] = ["vocabulary", "name", "refusal", "span", "text"];

/// What of `chat` is decision, though it is spelt like a word.
const DECISIONS: [&str; 2] = ["Chat", "Settings"];

/// How much of `chat` a module sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chat {
    Nothing,
    Words,
    All,
}

/// What one module may import.
struct Layer {
    module: &'static str,
    ours: &'static [&'static str],
    chat: Chat,
    crates: &'static [&'static str],
}

/// Who may import whom: the table of the architecture, lowest first.
const LAYERS: [Layer; 20] = [
    Layer {
        module: "limits",
        ours: &[],
        chat: Chat::Nothing,
        crates: &[],
    },
    Layer {
        module: "buffer",
        ours: &[],
        chat: Chat::Nothing,
        crates: &[],
    },
    Layer {
        module: "disk",
        ours: &["limits"],
        chat: Chat::Nothing,
        crates: &["rustix"],
    },
    Layer {
        module: "chat",
        ours: &["limits"],
        chat: Chat::All,
        crates: &["zeroize"],
    },
    Layer {
        module: "crypto",
        ours: &["limits"],
        chat: Chat::Nothing,
        crates: &[
            "aes",
            "aes_gcm",
            "argon2",
            "ctr",
            "ghash",
            "hkdf",
            "hmac",
            "rand",
            "sha2",
            "subtle",
            "unicode_normalization",
            "x25519_dalek",
            "zeroize",
        ],
    },
    Layer {
        module: "wire",
        ours: &["limits", "buffer", "crypto"],
        chat: Chat::Words,
        crates: &["minicbor", "zeroize"],
    },
    Layer {
        module: "keylog",
        ours: &["disk", "crypto"],
        chat: Chat::Nothing,
        crates: &[],
    },
    Layer {
        module: "manual",
        ours: &[],
        chat: Chat::Nothing,
        crates: &["clap", "clap_complete", "clap_mangen"],
    },
    Layer {
        module: "fanout",
        ours: &["limits", "buffer", "wire"],
        chat: Chat::Words,
        crates: &[],
    },
    Layer {
        module: "files",
        ours: &["limits", "wire"],
        chat: Chat::Words,
        crates: &[],
    },
    Layer {
        module: "spool",
        ours: &["limits", "disk"],
        chat: Chat::Words,
        crates: &["log", "minicbor"],
    },
    Layer {
        module: "store",
        ours: &["limits", "disk"],
        chat: Chat::Words,
        crates: &["log", "rusqlite"],
    },
    Layer {
        module: "activity",
        ours: &["limits", "disk"],
        chat: Chat::Words,
        crates: &["serde_json"],
    },
    Layer {
        module: "control",
        ours: &["limits"],
        chat: Chat::Words,
        crates: &["serde_json"],
    },
    Layer {
        module: "config",
        ours: &["limits", "manual"],
        chat: Chat::All,
        crates: &["clap", "serde", "toml"],
    },
    Layer {
        module: "net",
        ours: &[
            "limits", "buffer", "disk", "crypto", "wire", "fanout", "files", "spool", "store",
            "activity", "control", "config",
        ],
        chat: Chat::All,
        crates: &[
            "log",
            "mio",
            "rand",
            "rustix",
            "sd_notify",
            "signal_hook",
            "signal_hook_mio",
            "slab",
            "socket2",
            "zeroize",
        ],
    },
    Layer {
        module: "admin",
        ours: &[
            "limits", "disk", "crypto", "store", "activity", "control", "config",
        ],
        chat: Chat::All,
        crates: &["rand", "rustix", "serde_json", "zeroize"],
    },
    Layer {
        module: "client",
        ours: &["limits", "buffer", "disk", "crypto", "manual", "wire"],
        chat: Chat::Words,
        crates: &[
            "clap",
            "crossterm",
            "jiff",
            "landlock",
            "mio",
            "rand",
            "rustix",
            "serde",
            "serde_json",
            "signal_hook",
            "signal_hook_mio",
            "socket2",
            "toml",
            "unicode_segmentation",
            "unicode_width",
            "zeroize",
        ],
    },
    Layer {
        module: "bin/parlourd",
        ours: &["limits", "keylog", "config", "net", "admin"],
        chat: Chat::Nothing,
        crates: &["clap", "env_logger", "log", "sd_notify"],
    },
    Layer {
        module: "bin/parlour",
        ours: &["limits", "keylog", "client"],
        chat: Chat::Nothing,
        crates: &["clap"],
    },
];

/// The call that opens records without checking them, the one file that may make it, and what must
/// stand above its definition.
const UNVERIFIED_CALL: &str = "open_unverified";
const UNVERIFIED_CALLER: &str = "loadtest/src/link/sealed.rs";
const UNVERIFIED_GATE: &str = "#[cfg(feature = \"unverified\")]";

/// Modules that exist for tests alone and may import everything.
const UNLAYERED: [&str; 3] = ["lib", "sim", "tidy"];

/// Imports that cross the layers, and crates where they do not belong.
fn import_faults(source: &Source, dependencies: &[String]) -> Vec<String> {
    let Some(module) = source.module() else {
        return Vec::new();
    };
    if UNLAYERED.contains(&module.as_str()) || source.is_test() {
        return Vec::new();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == module) else {
        return vec![source.fault(&format!("module {module} has no place in LAYERS"))];
    };
    let mut faults = Vec::new();
    for path in source.our_paths() {
        if !layer.allows(&path) {
            faults.push(source.fault(&format!("{module} must not import {}", path.join("::"))));
        }
    }
    for dependency in dependencies {
        let is_allowed = layer.crates.contains(&dependency.as_str());
        if !is_allowed && source.uses_crate(dependency) {
            faults.push(source.fault(&format!("{module} must not use the crate {dependency}")));
        }
    }
    faults
}

impl Layer {
    /// Whether the module may import `path`, which begins below the crate's root.
    fn allows(&self, path: &[String]) -> bool {
        let Some(first) = path.first() else {
            return true;
        };
        if first == "chat" {
            return match self.chat {
                Chat::All => true,
                Chat::Nothing => false,
                Chat::Words => path.get(1).is_none_or(|second| is_word(second)),
            };
        }
        first == self.module || self.ours.contains(&first.as_str())
    }
}

/// Whether `segment`, directly below `chat`, belongs to its vocabulary.
fn is_word(segment: &str) -> bool {
    let is_item = segment.starts_with(|first: char| first.is_ascii_uppercase()) || segment == "*";
    VOCABULARY.contains(&segment) || (is_item && !DECISIONS.contains(&segment))
}

/// What a pure module touches that it must not.
fn purity_faults(source: &Source) -> Vec<String> {
    let is_pure = PURE.iter().any(|pure| source.is_under(pure));
    if !is_pure || source.is_test() {
        return Vec::new();
    }
    IMPURE
        .iter()
        .filter(|impure| source.code().contains(**impure))
        .map(|impure| source.fault(&format!("is pure and must not touch {impure}")))
        .collect()
}

/// What every file owes: a length one can read, a module doc, no unfinished business, no clock.
fn file_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    if source.text().lines().count() > FILE_LINES_MAX {
        faults.push(source.fault(&format!("has more than {FILE_LINES_MAX} lines")));
    }
    if !source.text().trim_start().starts_with("//!") {
        faults.push(source.fault("has no module doc"));
    }
    if !source.is_under("src/tidy") {
        for word in BANNED {
            if source.text().contains(word) {
                faults.push(source.fault(&format!("still says {word}")));
            }
        }
    }
    let reads_clock = ["Instant::now", "SystemTime::now"]
        .iter()
        .any(|call| source.code().contains(call));
    if reads_clock && !source.is_test() && !CLOCKS.contains(&source.path()) {
        faults.push(source.fault("reads the clock, which only clock.rs may"));
    }
    faults
}

/// Slots are freed in one place only, or a reused slot could be taken for its former user.
fn slot_faults(sources: &[Source]) -> Vec<String> {
    let net: Vec<&Source> = sources
        .iter()
        .filter(|source| source.is_under("src/net") && !source.is_test())
        .collect();
    let slabs: Vec<String> = net
        .iter()
        .flat_map(|source| source.fields_of("Slab"))
        .collect();
    let frees: usize = slabs
        .iter()
        .flat_map(|slab| [format!("{slab}.remove("), format!("{slab}.try_remove(")])
        .map(|call| {
            net.iter()
                .map(|source| source.code().matches(&call).count())
                .sum::<usize>()
        })
        .sum();
    if frees > slabs.len() {
        return vec![format!(
            "src/net: slots of {} slab(s) are freed in {frees} places",
            slabs.len()
        )];
    }
    Vec::new()
}

/// Records are opened unchecked by the load generator alone, and only a build for it can do so.
///
/// A build of the whole workspace has the feature in all its parts, so the compiler would not
/// notice a call from the server.
fn unverified_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let is_allowed = source.is_under("src/crypto") || source.path() == UNVERIFIED_CALLER;
    if !is_allowed && source.code().contains(UNVERIFIED_CALL) {
        faults.push(source.fault(&format!("must not use {UNVERIFIED_CALL}")));
    }
    let lines: Vec<&str> = source.text().lines().map(str::trim_start).collect();
    let definition = format!("fn {UNVERIFIED_CALL}");
    for (at, _) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("pub") && line.contains(&definition))
    {
        let mut above = lines[..at].iter().rev();
        let is_gated = above
            .by_ref()
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| *line == UNVERIFIED_GATE);
        if !is_gated {
            faults.push(source.fault(&format!("{UNVERIFIED_CALL} without {UNVERIFIED_GATE}")));
        }
    }
    faults
}

/// What no other feature may bring along: opening unchecked, and writing keys down.
const BY_REQUEST_ONLY: [&str; 2] = ["unverified", "keylog"];

/// Whether `feature` stands alone in `manifest`, in no other feature and in no default.
fn is_by_request_only(feature: &str, manifest: &str) -> bool {
    let mentions = manifest
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(feature));
    mentions.eq([format!("{feature} = []")])
}

/// All faults of a tree.
fn faults(sources: &[Source], dependencies: &[String]) -> Vec<String> {
    let mut all = slot_faults(sources);
    for source in sources {
        all.extend(file_faults(source));
        all.extend(purity_faults(source));
        all.extend(unverified_faults(source));
        all.extend(import_faults(source, dependencies));
    }
    all
}

/// The names under which code writes the crates that `manifest` depends on.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_listing = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_listing = line == "[dependencies]";
        } else if let Some((name, _)) = line.split_once('=')
            && is_listing
            && !line.starts_with('#')
        {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}

/// Every Rust file below `folder`, in the order of their paths.
fn read_tree(root: &Path, folder: &str) -> Vec<Source> {
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
                sources.push(Source::new(
                    relative,
                    &std::fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    sources.sort_by(|a, b| a.path().cmp(b.path()));
    sources
}

#[test]
fn the_tree_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let dependencies = dependencies(&manifest);
    assert!(dependencies.contains(&"x25519_dalek".to_owned()));
    for feature in BY_REQUEST_ONLY {
        assert!(is_by_request_only(feature, &manifest), "{feature}");
    }
    let sources: Vec<Source> = ["src", "loadtest/src", "tests", "benches"]
        .iter()
        .flat_map(|folder| read_tree(root, folder))
        .collect();
    assert!(sources.len() >= 10, "the tree was not found");
    let faults = faults(&sources, &dependencies);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Goal: the rules find what they forbid and nothing else. Method: plant one fault at a time into
/// a source made up for it.
#[cfg(test)]
mod tests {
    use super::*;

    /// The faults of one file that holds `body`.
    fn planted(path: &str, body: &str) -> Vec<String> {
        let crates = ["mio", "minicbor", "slab", "log"].map(str::to_owned);
        faults(
            &[Source::new(path, &format!("//! Doc.\n{body}\n"))],
            &crates,
        )
    }

    #[track_caller]
    fn assert_fault(path: &str, body: &str, words: &str) {
        let faults = planted(path, body);
        assert!(
            faults.len() == 1 && faults[0].contains(words) && faults[0].starts_with(path),
            "{faults:?}"
        );
    }

    #[test]
    fn planting_an_import_across_layers_fails() {
        assert_fault(
            "src/chat/rooms.rs",
            "use crate::net::Server;",
            "net::Server",
        );
        assert_fault(
            "src/chat/rooms.rs",
            "use super::super::wire::frame;",
            "wire::frame",
        );
        assert_fault("src/chat/mod.rs", "use super::fanout;", "fanout");
        assert_fault(
            "src/crypto/record.rs",
            "fn f(_: crate::chat::Name) {}",
            "chat::Name",
        );
        assert_fault("src/buffer.rs", "use crate::limits::KIB;", "limits::KIB");
        assert_fault(
            "src/fanout/log.rs",
            "use crate::store::Store;",
            "store::Store",
        );
        assert_fault(
            "src/bin/parlour.rs",
            "use parlour::net::Server;",
            "net::Server",
        );
        assert_fault(
            "src/wire/line.rs",
            "use crate::{limits::{KIB, MIB}, fanout::{Fanout}};",
            "fanout::Fanout",
        );
    }

    #[test]
    fn the_words_of_the_chat_are_open_but_not_its_decisions() {
        assert!(
            planted(
                "src/wire/message.rs",
                "use crate::chat::{Event, name::Name};"
            )
            .is_empty()
        );
        assert!(planted("src/fanout/mod.rs", "use crate::chat::vocabulary::*;").is_empty());
        assert_fault("src/fanout/mod.rs", "use crate::chat::Chat;", "chat::Chat");
        assert_fault(
            "src/wire/line.rs",
            "use crate::chat::rooms::Room;",
            "chat::rooms",
        );
    }

    #[test]
    fn a_crate_belongs_to_its_layer() {
        assert_fault("src/fanout/log.rs", "use mio::Token;", "crate mio");
        assert_fault(
            "src/chat/mod.rs",
            "fn f() { log::info!(\"x\"); }",
            "crate log",
        );
        assert_fault(
            "src/crypto/mod.rs",
            "#[derive(minicbor::Encode)] struct S;",
            "minicbor",
        );
        assert!(planted("src/wire/message.rs", "use minicbor::Encode;").is_empty());
        assert!(planted("src/fanout/mod.rs", "mod log;\nuse log::Log;").is_empty());
        assert!(planted("src/fanout/visit.rs", "use super::log::Log;").is_empty());
    }

    #[test]
    fn tests_and_the_simulator_may_import_everything() {
        let body = "use crate::net::Server;\nuse mio::Token;";
        assert!(planted("src/sim/mod.rs", body).is_empty());
        assert!(planted("src/chat/tests.rs", body).is_empty());
        assert!(planted("src/chat/tests/rooms.rs", body).is_empty());
        let inside = "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::net::Server;\n}";
        assert!(planted("src/chat/rooms.rs", inside).is_empty());
        let above = "#[cfg(test)]\nmod tests;\nuse crate::net::Server;";
        assert_fault("src/chat/rooms.rs", above, "net::Server");
    }

    #[test]
    fn a_module_without_a_place_is_a_fault() {
        assert_fault("src/extras.rs", "", "no place");
    }

    #[test]
    fn comments_and_strings_import_nothing() {
        let body = "// crate::net::Server\n/* mio::Token */\nconst A: &str = \"crate::net::X\";";
        assert!(planted("src/chat/rooms.rs", body).is_empty());
    }

    #[test]
    fn pure_modules_touch_no_system() {
        assert_fault("src/chat/rooms.rs", "use std::thread;", "std::thread");
        assert_fault(
            "src/fanout/visit.rs",
            "use std::net::TcpStream;",
            "TcpStream",
        );
        assert_fault("src/client/session.rs", "use std::fs;", "std::fs");
        assert!(planted("src/client/pins.rs", "use std::fs;").is_empty());
        assert!(planted("src/chat/people.rs", "use std::net::IpAddr;").is_empty());
    }

    #[test]
    fn files_are_short_documented_and_finished() {
        assert_fault("src/net/a.rs", &"\n".repeat(FILE_LINES_MAX), "lines");
        assert_fault("src/net/a.rs", "fn f() { todo!() }", "todo!");
        assert_fault("src/net/a.rs", "// FIXME", "FIXME");
        assert_fault("tests/a.rs", "#[ignore = \"slow\"]", "#[ignore");
        let bare = [Source::new("src/net/a.rs", "fn f() {}\n")];
        assert!(faults(&bare, &[])[0].contains("module doc"));
    }

    #[test]
    fn the_clock_is_read_in_one_place_per_program() {
        let body = "fn now() { std::time::Instant::now(); }";
        assert!(planted("src/net/clock.rs", body).is_empty());
        assert!(planted("loadtest/src/clock.rs", body).is_empty());
        assert_fault("src/net/server.rs", body, "clock");
        assert_fault("loadtest/src/main.rs", body, "clock");
        assert_fault("benches/codec.rs", body, "clock");
    }

    #[test]
    fn records_are_opened_unchecked_by_the_load_generator_alone() {
        let call = "fn f() { opener.open_unverified(bytes, now); }";
        assert_fault("src/net/read.rs", call, "open_unverified");
        assert_fault("src/client/session.rs", call, "open_unverified");
        assert_fault("loadtest/src/main.rs", call, "open_unverified");
        assert!(planted("loadtest/src/link/sealed.rs", call).is_empty());
        let bare = "#[inline]\npub fn open_unverified() {}";
        assert_fault("src/crypto/record/opener.rs", bare, "without #[cfg");
        let gated = "#[cfg(feature = \"unverified\")]\n#[inline]\npub fn open_unverified() {}";
        assert!(planted("src/crypto/record/opener.rs", gated).is_empty());
    }

    #[test]
    fn no_feature_brings_another_along_that_must_be_asked_for() {
        assert!(is_by_request_only("keylog", "keylog = []\n"));
        let others = "keylog = []\ndefault = [\"server\", \"keylog\"]\n";
        assert!(!is_by_request_only("keylog", others));
    }

    #[test]
    fn slots_are_freed_in_one_place() {
        let field = "struct S { links: Slab<Link> }\nfn f(s: S) { s.links.remove(1); }";
        assert!(planted("src/net/server.rs", field).is_empty());
        let twice = format!("{field}\nfn g(s: S) {{ s.links.try_remove(1); }}");
        let faults = planted("src/net/server.rs", &twice);
        assert!(faults[0].contains("freed in 2 places"), "{faults:?}");
    }
}
