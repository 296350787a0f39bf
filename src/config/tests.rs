//! Goal: what operators write is understood, and what they get wrong is explained.

use super::*;
use std::ffi::OsString;
use std::time::Duration;

fn run(words: &[&str]) -> Result<Config, Mistake> {
    let words = std::iter::once("parlourd")
        .chain(words.iter().copied())
        .map(OsString::from);
    match arguments(words)? {
        Action::Run(config) => Ok(*config),
        Action::Print(text) => panic!("printed {text}"),
    }
}

fn mistake(words: &[&str]) -> String {
    run(words).unwrap_err().0
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
    let mut config = Config::default();
    config
        .read_text(
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
        let mut config = Config::default();
        let said = config
            .read_text(&format!("public-name = \"x\"\n{text}\n"))
            .unwrap_err()
            .0;
        assert!(said.contains(word), "{said}");
        assert_eq!(config.public_name, None);
    }
}

#[test]
fn what_is_printed_can_be_read_back() {
    let mut config = Config::default();
    config.read_text(&effective(&Config::default())).unwrap();
    assert_eq!(config.sealed, Config::default().sealed);
    assert_eq!(config.trusted, Config::default().trusted);
    assert_eq!(
        format!("{:?}", config.bounds),
        format!("{:?}", Bounds::default())
    );
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
    let read = |name: &str| {
        let mut config = Config::default();
        config
            .read_text(&format!("public-name = {name:?}"))
            .map(|()| config.public_name)
    };
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
