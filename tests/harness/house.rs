//! A server that keeps what it is told, and what its operator sees of it.

use super::server::{Setup, bare_command};
use super::{Program, Server, clock};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A server with a data folder of its own.
pub(crate) fn house() -> (Server, TempDir) {
    house_with(&[])
}

/// The same, with these flags.
pub(crate) fn house_with(flags: &[&str]) -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&Setup {
        data: Some(data.path()),
        flags,
        ..Setup::default()
    });
    (server, data)
}

/// `parlourd admin` with these words, on this folder: exit code, what it printed, what it
/// complained.
pub(crate) fn admin(data: &Path, words: &[&str], input: &str) -> (i32, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare_command(folder.path());
    command.arg("admin").args(words).arg("--data").arg(data);
    Program::run(&mut command, input)
}

/// The activity log's lines, once `is_there` says yes to them.
#[track_caller]
pub(crate) fn activity(data: &Path, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let path = data.join("activity.jsonl");
    clock::wait_for("the activity log", || {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        is_there(&lines).then_some(lines)
    })
}

/// Waits until the server has complained of `words`.
#[track_caller]
pub(crate) fn wait_for_error(server: &Server, words: &str) {
    clock::wait_for(words, || server.errors().contains(words).then_some(()));
}

/// Where the metrics door is.
pub(crate) fn metrics_of(server: &Server) -> SocketAddr {
    server.ready("metrics").parse().unwrap()
}

/// What the metrics door answers to `request`.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // Whoever is thrown out hears nothing, or that the connection is reset.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// The page of figures.
pub(crate) fn scrape(address: SocketAddr) -> String {
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer
}

/// A figure of a page.
#[track_caller]
pub(crate) fn figure(page: &str, name: &str) -> f64 {
    let line = page.lines().find(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(' '))
    });
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
