//! docs/protocol.md is what this program does: its worked example byte for byte, and every kind of
//! message and code of a refusal under its name.

use parlour::chat::Hello;
use parlour::crypto::fingerprint::Fingerprint;
use parlour::crypto::handshake::{Initiator, Responder, StaticKey};
use parlour::crypto::record::{
    CloseCode, Padding, RecordSecrets, Sealer, Side, Suite, begin_record,
};
use parlour::wire::message::{ClientMessage, encode_client, encode_event};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The example asks for suite 1.
const PREAMBLE: &[u8] = b"PRLR\x01\x01\0\0";
/// Time 1767225600, no features, records of up to 16,384 bytes.
const SERVER_PAYLOAD: &[u8] = b"\x01\x08\0\0\0\0\x69\x55\xb9\x00\x02\x04\0\0\0\0\x83\x02\x40\x00";
/// A throwaway key, no features, the name "example".
const CLIENT_PAYLOAD: &[u8] = b"\x81\x01\0\x02\x04\0\0\0\0\x03\x07example";

/// Thirty-two bytes, counted up from `first`.
fn counted(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A message of the handshake as it travels, behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}

fn record(sealer: &mut Sealer, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = begin_record(&mut bytes);
    bytes.extend_from_slice(content);
    sealer.seal(Padding::Blocks, &mut bytes, start).unwrap();
    bytes
}

/// Everything that is sent in the example, with what the document calls it.
fn example() -> Vec<(&'static str, Vec<u8>)> {
    let prologue = [b"parlour1\0", PREAMBLE].concat();
    let server_key = StaticKey::from_bytes(&counted(0x41));
    let client_key = StaticKey::from_bytes(&counted(0x61));
    let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());

    let client = Initiator::start(&prologue, counted(0x01), b"", &mut one);
    let (server, _) = Responder::read_hello(&prologue, &one).unwrap();
    let server = server
        .reply(&server_key, counted(0x21), SERVER_PAYLOAD, &mut two)
        .unwrap();
    let (client, payload) = client.read_reply(&two).unwrap();
    assert_eq!(payload, SERVER_PAYLOAD);
    assert_eq!(client.responder_key(), server_key.public());
    let session = client
        .finish(&client_key, CLIENT_PAYLOAD, &mut three)
        .unwrap();
    let (of_server, shown, payload) = server.finish(&three).unwrap();
    assert_eq!((shown, &*payload), (client_key.public(), CLIENT_PAYLOAD));

    let no_time = Duration::ZERO;
    let secrets = RecordSecrets::derive(session, Side::Client, Suite::CtrHmac);
    let binding = secrets.binding.to_vec();
    let mut from_client = secrets.sealer.start(no_time);
    let secrets = RecordSecrets::derive(of_server, Side::Server, Suite::CtrHmac);
    let mut from_server = secrets.sealer.start(no_time);

    let (mut hello, mut ping, mut close) = (Vec::new(), Vec::new(), Vec::new());
    let name = Some("alice");
    encode_client(
        &ClientMessage::Hello(Hello {
            name,
            ..Hello::default()
        }),
        &mut hello,
    );
    encode_event(&parlour::chat::Event::Ping, &mut ping);
    let hello_record = record(&mut from_client, &hello);
    let ping_record = record(&mut from_server, &ping);
    from_client.seal_close(CloseCode::Done, &mut close).unwrap();
    vec![
        ("preamble", PREAMBLE.to_vec()),
        ("message 1", framed(&one)),
        ("message 2", framed(&two)),
        ("message 3", framed(&three)),
        ("server key", server_key.public().0.to_vec()),
        ("client key", client_key.public().0.to_vec()),
        ("CB", binding),
        ("frame Hello", hello),
        ("record Hello", hello_record),
        ("frame Ping", ping),
        ("record Ping", ping_record),
        ("record CLOSE", close),
    ]
}

#[test]
fn the_worked_example_is_what_we_compute() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    let text = std::fs::read_to_string(path).unwrap();
    let solid: String = text.split_whitespace().collect();
    for (name, bytes) in example() {
        let digits = hex(&bytes);
        assert!(solid.contains(&digits), "{name} should be {digits}");
    }
    let key = StaticKey::from_bytes(&counted(0x41)).public();
    let fingerprint = Fingerprint::of_server(&key).to_string();
    assert!(
        text.contains(&fingerprint),
        "the fingerprint is {fingerprint}"
    );
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}

/// `REPLAY_END` as the document writes it.
fn in_camel_case(constant: &str) -> String {
    let words = constant.split('_').filter(|word| !word.is_empty());
    words
        .map(|word| word[..1].to_owned() + &word[1..].to_lowercase())
        .collect()
}

/// The kinds of messages in the source, by name: its constants.
fn kinds() -> BTreeMap<(u8, String), &'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire/message");
    let mut kinds = BTreeMap::new();
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines() {
            let constant = line
                .strip_prefix("const ")
                .and_then(|rest| rest.strip_suffix(';')?.split_once(": u8 = 0x"));
            if let Some((name, digits)) = constant {
                let number = u8::from_str_radix(digits, 16).unwrap();
                kinds.insert((number, in_camel_case(name)), "in the source");
            }
        }
    }
    kinds
}

/// The rows `| NUMBER | NAME |` of a text, with what stands behind them.
fn rows(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.splitn(3, " | ");
        Some((cells.next()?, cells.next()?, cells.next().unwrap_or("")))
    })
}

#[test]
fn every_kind_of_message_is_in_the_document_under_its_number() {
    let text = file("docs/protocol.md");
    let kinds = kinds();
    assert!(kinds.len() > 30, "{kinds:?}");
    let in_rows: BTreeMap<(u8, String), &str> = rows(&text)
        .filter_map(|(number, name, rest)| {
            let number = u8::from_str_radix(number.strip_prefix("0x")?, 16).ok()?;
            let is_message = name.starts_with(|first: char| first.is_ascii_uppercase());
            is_message.then(|| ((number, name.to_owned()), rest))
        })
        .collect();
    let names = |kinds: &BTreeMap<(u8, String), &str>| kinds.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&in_rows), names(&kinds), "rows and constants");

    // What is said of files stands in a section of its own, with its bodies.
    let blocks = text.split("```cddl").skip(1);
    let bodies = blocks.map(|block| block.split("```").next().unwrap());
    let cddl: String = bodies.collect();
    for (number, name) in in_rows.keys() {
        let spelt = format!("{number:#04x}");
        assert!(cddl.contains(&spelt), "{name}, {spelt}, is not in the CDDL");
    }
}

#[test]
fn the_dissector_knows_every_kind_of_message() {
    let script = file("docs/parlour.lua");
    for (number, name) in kinds().into_keys() {
        let entry = format!("[{number:#04x}] = {{ \"{name}\"");
        assert!(script.contains(&entry), "docs/parlour.lua lacks {entry}");
    }
}

#[test]
fn every_refusal_is_in_the_document_under_its_code() {
    let source = file("src/chat/refusal.rs") + &file("src/chat/refusal/files.rs");
    let mut in_source = BTreeMap::new();
    for line in source.lines() {
        let arm = line
            .trim_start()
            .strip_prefix("Self::")
            .and_then(|rest| rest.strip_suffix(',')?.split_once(" => "));
        if let Some((pattern, code)) = arm
            && let Ok(code) = code.parse::<u16>()
        {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric();
            let end = pattern.find(|letter| !is_letter(letter));
            in_source.insert(code, pattern[..end.unwrap_or(pattern.len())].to_owned());
        }
    }
    assert!(in_source.len() > 50, "{in_source:?}");
    let text = file("docs/protocol.md");
    let (_, below) = text.split_once("\n## 12.").expect("section 12");
    let section = below.split("\n## ").next().unwrap();
    let in_rows: BTreeMap<u16, String> = section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let code = cells.next()?.parse().ok()?;
            let name = cells.next().filter(|name| !name.is_empty())?;
            Some((code, name.to_owned()))
        })
        .collect();
    assert_eq!(in_rows, in_source, "rows and arms");
}
