//! The files: what they hold is what `schema.json` beside the manifest says, and both say the same.

use crate::figures::{Run, parlourd};
use serde_json::Value;

/// What is wrong with `value` by `schema`; of JSON Schema only what ours uses.
fn faults(value: &Value, schema: &Value, place: &str, found: &mut Vec<String>) {
    let is_of_type = match schema["type"].as_str().expect("every part names its type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        other => panic!("the schema uses {other}, which is not checked"),
    };
    if !is_of_type {
        found.push(format!("{place} is {value}, not {}", schema["type"]));
        return;
    }
    if let Some(fields) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                found.push(format!("{place} has no {name}"));
            }
        }
        for (name, field) in fields {
            let named = &schema["properties"][name];
            let other = &schema["additionalProperties"];
            let place = format!("{place}.{name}");
            match (named.is_object(), other.is_object()) {
                (true, _) => faults(field, named, &place, found),
                (false, true) => faults(field, other, &place, found),
                (false, false) => found.push(format!("{place} is not in the schema")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(item, &schema["items"], &format!("{place}[{index}]"), found);
    }
    let counted = value.as_array().map_or(0, Vec::len) as u64;
    let range =
        schema["minItems"].as_u64().unwrap_or(0)..=schema["maxItems"].as_u64().unwrap_or(u64::MAX);
    if value.is_array() && !range.contains(&counted) {
        found.push(format!("{place} has {counted} items"));
    }
}

/// The fields of one line, quotes taken off.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

/// The same number in both files, but for the last digit, which the reader of JSON rounds.
fn assert_same(text: &str, value: &Value, name: &str) {
    let (ours, theirs): (f64, f64) = (text.parse().unwrap(), value.as_f64().unwrap());
    let slack = theirs.abs() * 1e-12;
    assert!((ours - theirs).abs() <= slack, "{name}: {text}, {value}");
}

#[test]
fn the_files_say_what_the_schema_says_and_the_same() {
    if parlourd().is_none() {
        return;
    }
    let schema = include_str!("../../schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for words in [
        "fanout -c 10 -d 1500ms --warmup 200ms -R 200 --assert lost==0",
        "storm -c 10",
        "connect -n 10",
    ] {
        let own = std::process::id();
        let file = |kind: &str| std::env::temp_dir().join(format!("loadtest-{own}-files.{kind}"));
        let (table, picture) = (file("csv"), file("svg"));
        let mut list: Vec<_> = words.split_whitespace().collect();
        list.extend(["--csv", table.to_str().unwrap()]);
        list.extend(["--plot", picture.to_str().unwrap()]);
        let run = Run::of("files", &list);
        assert_eq!(run.code(), Some(0), "{}", run.errors());
        let mut found = Vec::new();
        faults(&run.json, &schema, "the file", &mut found);
        assert!(found.is_empty(), "{found:#?}");

        let text = std::fs::read_to_string(&table).unwrap();
        assert_eq!(text.lines().count(), 2);
        let mut lines = text.lines().map(fields);
        let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(names.len(), values.len());
        let value = |name: &str| &values[names.iter().position(|it| it == name).unwrap()];
        let figures = run.json["figures"].as_object().unwrap();
        for (name, figure) in figures {
            assert_same(value(name), figure, name);
        }
        for name in ["title", "command", "versions", "machine"] {
            assert_eq!(*value(name), run.json[name], "{name}");
        }
        let seconds = run.json["seconds"].as_array().unwrap();
        let empty = value("seconds.at").is_empty();
        assert_eq!(seconds.is_empty(), empty);
        for second in ["at", "rate", "delivery-rate", "p50-ms", "p99-ms", "max-ms"] {
            let values = value(&format!("seconds.{second}"));
            for (at, value) in values.split_whitespace().enumerate() {
                assert_same(value, &seconds[at][second], second);
            }
        }
        let curve = run.json["latency-ms-by-percentile"].as_array().unwrap();
        let points = value("latency-ms-by-percentile").split_whitespace().count();
        assert_eq!(points, curve.len());
        // Five of the texts, the curve, the six of each second, and the figures: nothing else.
        assert_eq!(names.len(), 5 + 1 + 6 + figures.len());
        let picture_text = std::fs::read_to_string(&picture).unwrap();
        assert!(picture_text.starts_with("<svg"));
        for path in [table, picture] {
            std::fs::remove_file(path).unwrap();
        }
    }
}
