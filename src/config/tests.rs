//! Goal: what operators write is understood, and what they get wrong is explained.

use super::arguments::understand;
use super::keys::{Change, Form, KEYS};
use super::sources::{Environment, Layers};
use super::*;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

fn act(words: &[&str], environment: &[(&str, &str)]) -> Result<Action, Mistake> {
    let words = std::iter::once("parlourd")
        .chain(words.iter().copied())
        .map(OsString::from);
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    understand(words, Environment(environment.collect()))
}

fn run_in(environment: &[(&str, &str)], words: &[&str]) -> Result<Config, Mistake> {
    match act(words, environment)? {
        Action::Run(config) => Ok(*config),
        Action::Print(text) => panic!("printed {text}"),
        Action::Administer(_, task) => panic!("asked for {task:?}"),
    }
}

fn run(words: &[&str]) -> Result<Config, Mistake> {
    run_in(&[("HOME", "/nowhere")], words)
}

fn mistake(words: &[&str]) -> String {
    run(words).unwrap_err().0
}

/// What a file with this text comes to, alone.
fn read_text(text: &str) -> Result<Config, Mistake> {
    let mut layers = Layers::default();
    layers.add_file(Path::new("parlour.toml"), text)?;
    layers.into_config()
}

#[test]
fn doors_are_named_in_many_ways() {
    let config = run(&["--ephemeral", "--sealed", "127.0.0.1:0", "--line", "off"]).unwrap();
    assert_eq!(config.sealed, ["127.0.0.1:0".parse().unwrap()]);
    assert!(config.line.is_empty());
    assert_eq!(sealed_door("5000").unwrap(), ["[::]:5000".parse().unwrap()]);
    assert_eq!(
        sealed_door("10.1.2.3").unwrap(),
        ["10.1.2.3:4747".parse().unwrap()]
    );
    assert_eq!(
        sealed_door("[::1]:9").unwrap(),
        ["[::1]:9".parse().unwrap()]
    );
    assert_eq!(
        line_door("localhost:0").unwrap(),
        ["127.0.0.1:0".parse().unwrap()]
    );
    assert_eq!(line_door("0").unwrap().len(), 2);
}

#[test]
fn plain_text_beyond_this_machine_must_be_spelt_out() {
    assert!(mistake(&["--ephemeral", "--line", "0.0.0.0:4748"]).contains("insecure:0.0.0.0:4748"));
    assert_eq!(
        line_door("insecure:0.0.0.0:1").unwrap(),
        ["0.0.0.0:1".parse().unwrap()]
    );
}

#[test]
fn wrong_addresses_and_closed_houses_are_explained() {
    assert!(mistake(&["--ephemeral", "--sealed", "nowhere"]).contains("no address"));
    assert!(mistake(&["--ephemeral", "--sealed", "off", "--line", "off"]).contains("both doors"));
    assert!(mistake(&["--seeled", "x"]).contains("--sealed"));
}

#[test]
fn a_file_changes_what_it_names_and_keeps_the_rest() {
    let config = read_text(
        "trusted = [\"10.0.0.0/8\"]\nempty-line = \"ignore\"\n\
         [limits]\nhandshake-timeout = \"300ms\"\nclients = 7\n",
    )
    .unwrap();
    assert!(config.trusted.contains("10.9.8.7".parse().unwrap()));
    assert!(!config.trusted.contains("127.0.0.1".parse().unwrap()));
    assert!(!config.empty_line_leaves);
    assert_eq!(config.bounds.handshake_timeout, Duration::from_millis(300));
    assert_eq!(config.bounds.clients, 7);
    assert_eq!(config.bounds.login_timeout, Duration::from_secs(60));
}

#[test]
fn a_bad_file_is_refused_whole() {
    for (text, word) in [
        ("colour = 1", "unknown field"),
        ("[limits]\nclients = \"many\"", "invalid type"),
        ("[limits]\nlogin-timeout = \"10\"", "no duration"),
        ("trusted = [\"10.0.0.0/99\"]", "no network"),
        ("[limits]\nping-after = \"10m\"", "shorter than"),
        ("empty-line = \"sing\"", "leave"),
        ("[limits]\nlogin-timeout = \"0s\"", "zero"),
        ("[limits]\nkeepalive = \"10h\"", "9h"),
    ] {
        let said = read_text(&format!("public-name = \"x\"\n{text}\n"))
            .unwrap_err()
            .0;
        assert!(said.contains(word), "{said}");
        assert!(said.starts_with("parlour.toml"), "{said}");
    }
}

/// Every key's value.
fn values(config: &Config) -> Vec<(&'static str, String)> {
    KEYS.iter()
        .map(|key| (key.name, (key.value)(config)))
        .collect()
}

/// A text that gives every key a value that is not its default.
fn all_different() -> String {
    let mut top = String::new();
    let mut limits = String::from("[limits]\n");
    for key in &KEYS {
        let value = (key.value)(&Config::default());
        let other = match (key.name, key.form, value.as_str()) {
            ("trusted", ..) => "[\"10.0.0.0/8\"]".to_owned(),
            ("sealed" | "line" | "metrics", ..) => "\"127.0.0.1:99\"".to_owned(),
            ("empty-line", ..) => "\"ignore\"".to_owned(),
            (_, Form::Text, "\"\"") => "\"elsewhere\"".to_owned(),
            ("limits.gone-after", ..) => "\"151s\"".to_owned(),
            (_, Form::Text, _) => "\"77s\"".to_owned(),
            (_, Form::Bare, "true") => "false".to_owned(),
            (_, Form::Bare, "false") => "true".to_owned(),
            ("limits.clients", ..) => "7".to_owned(),
            (_, Form::Bare | Form::List, number) => {
                (number.parse::<u64>().unwrap() + 1).to_string()
            }
        };
        let (into, name) = match key.name.strip_prefix("limits.") {
            Some(name) => (&mut limits, name),
            None => (&mut top, key.name),
        };
        into.push_str(&format!("{name} = {other}\n"));
    }
    top + &limits
}

#[test]
fn what_is_printed_can_be_read_back_and_changes_nothing() {
    for config in [Config::default(), read_text(&all_different()).unwrap()] {
        let again = read_text(&effective(&config)).unwrap();
        assert_eq!(values(&again), values(&config));
    }
    let different = read_text(&all_different()).unwrap();
    for (one, other) in values(&different).iter().zip(values(&Config::default())) {
        assert_ne!(*one, other, "the test changes every key");
    }
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let different = read_text(&all_different()).unwrap();
    let variables: Vec<(String, String)> = KEYS
        .iter()
        .map(|key| {
            let value = (key.value)(&different);
            let value = value.trim_matches('"').to_owned();
            (key.variable(), value)
        })
        .collect();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let config = run_in(&variables, &["--ephemeral"]).unwrap();
    assert_eq!(values(&config), values(&different));
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn later_sources_win_and_each_value_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlour.toml");
    let text = "sealed = \"1\"\nline = \"2\"\n[limits]\nrooms = 5\nclients = 6\n";
    std::fs::write(&file, text).unwrap();
    let data = folder.path().to_str().unwrap();
    let environment = [
        ("PARLOUR_DATA", data),
        ("PARLOUR_SEALED", "3"),
        ("PARLOUR_LIMITS_ROOMS", "7"),
        ("PARLOUR_TRUSTED", "10.0.0.0/8, ::1"),
        ("PARLOUR_LIMTS_ROOMS", "7"),
    ];
    let config = run_in(&environment, &["--line", "4"]).unwrap();
    let port = |doors: &[SocketAddr]| doors[0].port();
    assert_eq!((port(&config.sealed), port(&config.line)), (3, 4));
    assert_eq!((config.bounds.rooms, config.bounds.clients), (7, 6));
    assert_eq!(config.trusted.to_string(), "10.0.0.0/8, ::1/128");
    assert_eq!(
        config.data_origin,
        Some(FolderOrigin::Variable("PARLOUR_DATA"))
    );
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    assert!(config.warnings[0].contains("PARLOUR_LIMTS_ROOMS"));
    let shown = effective(&config);
    for line in [
        "sealed = \"[::]:3\" # from $PARLOUR_SEALED",
        "line = \"4\" # from --line",
        "rooms = 7 # from $PARLOUR_LIMITS_ROOMS",
        &format!("clients = 6 # from {}", file.display()),
        "rooms-per-guest = 3",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line}\n{shown}");
    }
    let Action::Print(checked) = act(&["--check-config"], &environment).unwrap() else {
        panic!("it does not start")
    };
    assert!(checked.contains("PARLOUR_LIMTS_ROOMS is no setting"));
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    for (name, value, word) in [
        ("PARLOUR_SEALED", "nowhere", "no address"),
        ("PARLOUR_LIMITS_ROOMS", "many", "neither a number"),
        ("PARLOUR_LIMITS_ROOMS", "1\nclients = 2", "neither a number"),
        ("PARLOUR_LIMITS_ROOMS", "-1", "invalid value"),
        ("PARLOUR_LIMITS_LOGIN_TIMEOUT", "10", "no duration"),
        ("PARLOUR_TRUSTED", "10.0.0.0/8,x", "no network"),
        ("PARLOUR_LOG_MESSAGES", "perhaps", "true or false"),
        ("PARLOUR_ACTIVITY_LOG_BYTES", "1", "at least"),
    ] {
        let said = run_in(&[(name, value)], &["--ephemeral"]).unwrap_err().0;
        assert!(said.starts_with(&format!("${name}: ")), "{said}");
        assert!(said.contains(word), "{said}");
    }
    let said = run_in(&[("PARLOUR_LIMITS_PING_AFTER", "10m")], &["--ephemeral"]);
    assert!(said.unwrap_err().0.contains("shorter than"));
}

/// Goal: what is said to need a restart is what stays. Method: change every key at once, then look
/// at each.
#[test]
fn a_new_configuration_counts_as_far_as_it_can() {
    let mut config = Config::default();
    let new = read_text(&all_different()).unwrap();
    let difference = config.succeed(new.clone());
    let fresh = Config::default();
    for key in &KEYS {
        let expected = match key.change {
            Change::Live => &new,
            Change::Restart => &fresh,
        };
        assert_eq!((key.value)(&config), (key.value)(expected), "{}", key.name);
    }
    assert_eq!(
        difference.changed.len() + difference.waiting.len(),
        KEYS.len()
    );
    let words = difference.words();
    assert!(words.contains("changed: limits.rooms was 10000, is 10001"));
    assert!(words.contains("after a restart: limits.clients is 1000000, becomes 7"));
    let again = config.clone().succeed(config.clone());
    assert_eq!(again, Difference::default());
    assert_eq!(again.words(), "configuration read; nothing changed");
}

#[test]
fn the_metrics_door_is_off_unless_asked_for() {
    assert_eq!(run(&["--ephemeral"]).unwrap().metrics, None);
    for (text, address) in [
        ("on", "127.0.0.1:4750"),
        ("0", "127.0.0.1:0"),
        ("9.9.9.9:1", "9.9.9.9:1"),
    ] {
        let config = run(&["--ephemeral", "--metrics", text]).unwrap();
        assert_eq!(config.metrics, Some(address.parse().unwrap()));
    }
    assert!(mistake(&["--ephemeral", "--metrics", "x"]).contains("--metrics: "));
}

#[test]
fn administration_is_asked_for_by_subcommands() {
    let words = ["admin", "set-password", "bob", "--data", "/tmp/x"];
    let Ok(Action::Administer(folder, task)) = act(&words, &[]) else {
        panic!("not understood")
    };
    assert_eq!(folder, Path::new("/tmp/x"));
    let name = "bob".to_owned();
    let password_file = None;
    assert_eq!(
        task,
        Task::SetPassword {
            name,
            password_file
        }
    );
    assert!(act(&["admin", "fly"], &[]).is_err());
}

#[test]
fn the_folder_may_be_named_before_the_subcommand_too() {
    for words in [
        &["--data", "/tmp/x", "admin", "accounts"] as &[_],
        &["--config", "/none", "--data", "/tmp/x", "admin", "accounts"],
        &["--data", "/tmp/y", "admin", "accounts", "--data", "/tmp/x"],
    ] {
        let Ok(Action::Administer(folder, Task::Accounts)) = act(words, &[]) else {
            panic!("not understood: {words:?}")
        };
        assert_eq!(folder, Path::new("/tmp/x"));
    }
    for (flag, value) in [
        ("--ephemeral", None),
        ("--line", Some("off")),
        ("--man", None),
    ] {
        let mut words = vec![flag];
        words.extend(value);
        words.extend(["admin", "accounts"]);
        let why = mistake(&words);
        assert!(why.contains(flag) && why.contains("leave it out"), "{why}");
    }
}

#[test]
fn networks_hold_what_their_prefix_says() {
    let holds = |network: &str, address: &str| {
        network
            .parse::<Network>()
            .unwrap()
            .contains(address.parse().unwrap())
    };
    assert!(holds("127.0.0.0/8", "127.200.3.4"));
    assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert!(!holds("127.0.0.0/8", "128.0.0.1"));
    assert!(holds("fe80::/10", "febf::1"));
    assert!(!holds("fe80::/10", "fec0::1"));
    assert!(holds("0.0.0.0/0", "8.8.8.8"));
    assert!(!holds("0.0.0.0/0", "::1"));
    assert!(holds("192.0.2.1", "192.0.2.1"));
}

#[test]
fn the_public_name_fits_an_address_and_a_shell() {
    let read =
        |name: &str| read_text(&format!("public-name = {name:?}")).map(|config| config.public_name);
    for (name, kept) in [
        ("chat.example.org", "chat.example.org"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
    ] {
        assert_eq!(read(name), Ok(Some(kept.to_owned())));
    }
    assert_eq!(read(""), Ok(None));
    for bad in ["a b", "it's", "host:4747", "-x", "parlour://host"] {
        assert!(read(bad).unwrap_err().0.contains("public-name"), "{bad}");
    }
}
