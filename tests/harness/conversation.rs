//! A conversation in lines, over a socket or with a program, in which every wait has a deadline.
//!
//! Remembers all that was said, and says it when an expectation fails.

use super::{DEADLINE, clock};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// What came within some time.
pub(crate) enum Heard {
    /// Bytes, at least one.
    Bytes(Vec<u8>),
    /// Nothing.
    Silence,
    /// The other side has ended.
    End,
    /// The connection broke.
    Broken,
}

/// Where bytes come from.
pub(crate) trait Ear: Send {
    /// Waits at most `wait` for more.
    fn hear(&mut self, wait: Duration) -> Heard;
}

impl Ear for TcpStream {
    fn hear(&mut self, wait: Duration) -> Heard {
        self.set_read_timeout(Some(wait.max(Duration::from_millis(1))))
            .unwrap();
        let mut bytes = vec![0; 64 * 1024];
        match self.read(&mut bytes) {
            Ok(0) => Heard::End,
            Ok(count) => {
                bytes.truncate(count);
                Heard::Bytes(bytes)
            }
            Err(error) if is_timeout(error.kind()) => Heard::Silence,
            Err(_) => Heard::Broken,
        }
    }
}

impl Ear for Receiver<Vec<u8>> {
    fn hear(&mut self, wait: Duration) -> Heard {
        match self.recv_timeout(wait) {
            Ok(bytes) => Heard::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    kind == ErrorKind::WouldBlock || kind == ErrorKind::TimedOut
}

/// Where bytes go.
enum Mouth {
    Socket(TcpStream),
    Pipe(Box<dyn Write + Send>),
    Shut,
}

/// One side's view of a conversation.
pub(crate) struct Conversation {
    who: String,
    ear: Box<dyn Ear>,
    mouth: Mouth,
    pending: Vec<u8>,
    searched: usize,
    said: String,
}

impl Conversation {
    /// Connects to `address`, to be called `who` in failures.
    #[track_caller]
    pub(crate) fn connect(who: &str, address: SocketAddr) -> Self {
        Self::over(who, TcpStream::connect(address).unwrap())
    }

    /// Talks over a connection that is there already.
    pub(crate) fn over(who: &str, stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let ear = Box::new(stream.try_clone().unwrap());
        Self::between(who, ear, Mouth::Socket(stream))
    }

    /// Talks with a program through its pipes.
    pub(crate) fn piped(
        who: &str,
        output: Receiver<Vec<u8>>,
        input: impl Write + Send + 'static,
    ) -> Self {
        Self::between(who, Box::new(output), Mouth::Pipe(Box::new(input)))
    }

    fn between(who: &str, ear: Box<dyn Ear>, mouth: Mouth) -> Self {
        Self {
            who: who.to_owned(),
            ear,
            mouth,
            pending: Vec::new(),
            searched: 0,
            said: String::new(),
        }
    }

    /// Says `text` as it is; line ends are the caller's.
    #[track_caller]
    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) {
        if let Err(error) = self.try_send(text) {
            panic!("{}: could not send: {error}{}", self.who, self.told());
        }
    }

    /// Says `text`, which may fail because the other side has ended.
    pub(crate) fn try_send(&mut self, text: impl AsRef<[u8]>) -> std::io::Result<()> {
        let text = text.as_ref();
        let shown = String::from_utf8_lossy(&text[..text.len().min(120)]);
        let _ = write!(self.said, "\n  > {shown:?}");
        match &mut self.mouth {
            Mouth::Socket(stream) => stream.write_all(text),
            Mouth::Pipe(pipe) => pipe.write_all(text).and_then(|()| pipe.flush()),
            Mouth::Shut => panic!("{}: has ended its input", self.who),
        }
    }

    /// Ends what this side says; it still listens.
    pub(crate) fn finish(&mut self) {
        let _ = write!(self.said, "\n  > (end of input)");
        if let Mouth::Socket(stream) = &self.mouth {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        self.mouth = Mouth::Shut;
    }

    /// The next line, without its end.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.next_line(DEADLINE) {
            Ok(Some(line)) => line,
            Ok(None) => panic!("{}: the other side ended{}", self.who, self.told()),
            Err(Quiet) => panic!("{}: no line came{}", self.who, self.told()),
        }
    }

    /// The next line, which must match `pattern` (see [`matches`]).
    #[track_caller]
    pub(crate) fn expect(&mut self, pattern: &str) -> String {
        let line = self.line();
        let is_it = matches(pattern, &line);
        assert!(is_it, "{}: expected {pattern:?}{}", self.who, self.told());
        line
    }

    /// The next line that matches `pattern`, skipping others.
    #[track_caller]
    pub(crate) fn find(&mut self, pattern: &str) -> String {
        let begin = clock::now();
        loop {
            match self.next_line(DEADLINE.saturating_sub(begin.elapsed())) {
                Ok(Some(line)) if matches(pattern, &line) => return line,
                Ok(Some(_)) => {}
                Ok(None) | Err(Quiet) => {
                    panic!("{}: {pattern:?} never came{}", self.who, self.told())
                }
            }
        }
    }

    /// The next line that matches `pattern`, skipping others; none when the other side ends first.
    #[track_caller]
    pub(crate) fn find_or_end(&mut self, pattern: &str) -> Option<String> {
        loop {
            match self.next_line(DEADLINE) {
                Ok(Some(line)) if matches(pattern, &line) => return Some(line),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(Quiet) => panic!("{}: {pattern:?} never came{}", self.who, self.told()),
            }
        }
    }

    /// All lines until the other side ends.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.next_line(DEADLINE) {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => return lines,
                Err(Quiet) => panic!("{}: the end never came{}", self.who, self.told()),
            }
        }
    }

    /// The other side ends without another line.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let rest = self.rest();
        let (who, said) = (&self.who, self.told());
        assert!(rest.is_empty(), "{who}: an end was expected{said}");
    }

    /// Nothing comes for `how_long`, and the other side does not end.
    #[track_caller]
    pub(crate) fn expect_silence(&mut self, how_long: Duration) {
        match self.next_line(how_long) {
            Err(Quiet) => {}
            Ok(_) => panic!("{}: silence was expected{}", self.who, self.told()),
        }
    }

    /// The raw bytes until the other side ends, for what is not lines.
    #[track_caller]
    pub(crate) fn bytes_to_end(&mut self) -> Vec<u8> {
        while let Heard::Bytes(bytes) = self.ear.hear(DEADLINE) {
            self.pending.extend(bytes);
        }
        std::mem::take(&mut self.pending)
    }

    /// Everything said so far, for failures found elsewhere.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// The last of what was said, for a failure.
    fn told(&self) -> &str {
        let mut line_starts = self.said.rmatch_indices("\n  ").map(|(at, _)| at);
        &self.said[line_starts.nth(30).unwrap_or(0)..]
    }

    /// A line, `None` at the end, or [`Quiet`] when none came whole in time.
    fn next_line(&mut self, wait: Duration) -> Result<Option<String>, Quiet> {
        let begin = clock::now();
        loop {
            let end = self.pending[self.searched..]
                .iter()
                .position(|b| *b == b'\n');
            if let Some(end) = end.map(|at| at + self.searched) {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                self.searched = 0;
                let line = String::from_utf8(line[..end].to_vec()).expect("output is UTF-8");
                let _ = write!(self.said, "\n  < {}", shortened(&line));
                return Ok(Some(line));
            }
            self.searched = self.pending.len();
            match self.ear.hear(wait.saturating_sub(begin.elapsed())) {
                Heard::Bytes(bytes) => self.pending.extend(bytes),
                Heard::Silence if begin.elapsed() < wait => {}
                Heard::Silence => return Err(Quiet),
                Heard::End | Heard::Broken => {
                    let _ = write!(self.said, "\n  < (end)");
                    let rest = String::from_utf8_lossy(&self.pending);
                    assert!(rest.is_empty(), "{}: half a line: {rest:?}", self.who);
                    return Ok(None);
                }
            }
        }
    }
}

/// No whole line came in time.
struct Quiet;

fn shortened(line: &str) -> String {
    match line.char_indices().nth(120) {
        Some((at, _)) => format!("{}... ({} bytes)", &line[..at], line.len()),
        None => line.to_owned(),
    }
}

/// Whether `line` is `pattern`, where `{}` in the pattern stands for anything but nothing.
pub(crate) fn matches(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once("{}") else {
        return pattern == line;
    };
    let Some(rest) = line.strip_prefix(before) else {
        return false;
    };
    let mut starts = rest.char_indices().skip(1).map(|(at, _)| at);
    let is_end = !rest.is_empty() && matches(after, "");
    is_end || starts.any(|at| matches(after, &rest[at..]))
}

#[test]
fn patterns_match_as_they_read() {
    assert!(matches("abc", "abc"));
    assert!(!matches("abc", "abcd"));
    assert!(matches("a{}c", "abbc"));
    assert!(!matches("a{}c", "ac"));
    assert!(matches(
        " * {} left after {} (bye)",
        " * bob left after 3s (bye)"
    ));
    assert!(!matches(
        "bob left after {} (bye)",
        "bob left after 3s (late)"
    ));
    assert!(matches("a{}", "ab"));
    assert!(!matches("a{}", "a"));
}

#[test]
fn a_conversation_hears_lines_in_any_split_and_the_end() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut here = Conversation::connect("here", listener.local_addr().unwrap());
    let mut there = Conversation::over("there", listener.accept().unwrap().0);
    there.send("one\ntw");
    here.expect("one");
    here.expect_silence(Duration::from_millis(20));
    there.send("o\nthree\n");
    here.find("thr{}");
    here.send("back\n");
    here.finish();
    assert_eq!(there.rest(), ["back"]);
    there.finish();
    here.expect_end();
}
