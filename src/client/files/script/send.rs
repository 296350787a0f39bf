//! `parlour send`: offers files and sends them, one after the other.

use super::super::super::exit::Exit;
use super::super::super::news::News;
use super::super::super::session::Session;
use super::super::progress::Progress;
use super::super::sending::{Sending, Sent};
use super::super::source::{Source, SourceError};
use super::super::target::Target;
use super::{Errand, Failure, Server, Shown, run, trace};
use crate::chat::Size;
use crate::limits::{CLIENT_FILE_UNSENT_BYTES, CLIENT_READ_BYTES, FILE_CHUNK_BYTES_MAX};
use clap::Args;
use std::collections::VecDeque;
use std::path::PathBuf;

/// What is sent, and to whom.
#[derive(Debug, Args)]
pub struct SendArguments {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// To whom: the name of a person, or #ROOM.
    #[arg(long, value_name = "NAME or #ROOM")]
    pub to: String,
    /// Which server, and as whom.
    #[command(flatten)]
    pub server: Server,
}

/// Sends files; ends when the server has all of them.
///
/// # Errors
///
/// A [`Failure`] when a file cannot be sent at all, before anything is connected to.
pub fn send(arguments: &SendArguments) -> Result<Exit, Failure> {
    let usage = |words: String| (Exit::Usage, words);
    let target = Target::parse(&arguments.to)
        .map_err(|error| usage(format!("--to {}: {error}", arguments.to)))?;
    let sources = arguments.files.iter().map(|path| prepare(path));
    let sources: Result<VecDeque<Source>, SourceError> = sources.collect();
    let sources = sources.map_err(|error| (Exit::Lost, error.to_string()))?;
    let room = match target {
        Target::Room(room) => Some(room),
        Target::Person(_) => None,
    };
    let mut errand = Sender {
        target,
        waiting: sources.into_iter().map(Sending::new).collect(),
        current: None,
        is_asked: false,
        news: Vec::new(),
        exit: None,
        progress: Progress::default(),
        buffer: Box::new([0; FILE_CHUNK_BYTES_MAX]),
    };
    run(&arguments.server, room, None, &mut errand)
}

/// Opens a file and hashes it.
fn prepare(path: &std::path::Path) -> Result<Source, SourceError> {
    let mut source = Source::open(path)?;
    let mut buffer = vec![0; CLIENT_READ_BYTES];
    while source.digest().is_none() {
        source.hash_some(&mut buffer)?;
    }
    Ok(source)
}

struct Sender {
    target: Target,
    waiting: VecDeque<Sending>,
    current: Option<Sending>,
    /// Whether the current one was asked for on this connection.
    is_asked: bool,
    /// What is to be said.
    news: Vec<String>,
    exit: Option<Exit>,
    progress: Progress,
    buffer: Box<[u8; FILE_CHUNK_BYTES_MAX]>,
}

impl Sender {
    fn fail(&mut self, words: String) {
        self.news.push(words);
        self.exit = Some(Exit::Lost);
    }

    /// Asks for the file whose turn it is.
    fn ask(&mut self, session: &mut Session) {
        if self.current.is_none() {
            self.current = self.waiting.pop_front();
            self.progress = Progress::default();
        }
        let Some(sending) = self.current.as_mut() else {
            self.exit.get_or_insert(Exit::Done);
            return;
        };
        let Some((room, to)) = self.target.place(session.conversation()) else {
            return;
        };
        self.is_asked = true;
        let key = session.draw_file_key();
        session.ask_file(&sending.ask(key, room, to), &mut trace);
    }

    /// Sends as much as may wait for the socket; says whether there is more.
    fn send_on(&mut self, session: &mut Session) -> Result<bool, SourceError> {
        let Some(sending) = self.current.as_mut() else {
            return Ok(false);
        };
        // What still waits after a turn waits for the socket, which tells when it takes more.
        let is_blocked = session.unsent() >= CLIENT_FILE_UNSENT_BYTES;
        while session.unsent() < CLIENT_FILE_UNSENT_BYTES {
            match sending.next(&mut self.buffer)? {
                Some(request) => session.ask_file(&request, &mut trace),
                None => return Ok(false),
            }
        }
        Ok(!is_blocked)
    }

    fn hear_answer(&mut self, sent: Sent) {
        let Some(sending) = self.current.as_ref() else {
            return;
        };
        let name = sending.source().name();
        match sent {
            Sent::NotMine | Sent::On => {}
            Sent::Kept => {
                let number = sending.file().map_or(0, |file| file.0);
                let size = Size(sending.source().bytes());
                self.news
                    .push(format!("{name} ({size}) is there, N {number}"));
                self.current = None;
                self.is_asked = false;
            }
            Sent::Over(end) => {
                let words = format!("{name} is not sent: {end}");
                self.fail(words);
            }
        }
    }
}

impl Errand for Sender {
    fn begin(&mut self, _session: &mut Session) {
        self.is_asked = false;
        if let Some(sending) = self.current.as_mut() {
            sending.disconnected();
        }
    }

    fn hear(&mut self, news: &News<'_>) {
        if let News::File(answer) = *news {
            let sent = self.current.as_mut().map(|sending| sending.hear(answer));
            self.hear_answer(sent.unwrap_or(Sent::NotMine));
        } else if let News::Welcome {
            history_reset: true,
            ..
        } = *news
            && let Some(sending) = self.current.as_mut()
        {
            sending.history_reset();
        } else if let News::FileRefused { key, text } = *news
            && let Some(sending) = &self.current
            && sending.has_asked(key)
        {
            let words = format!("{}: {text}", sending.source().name());
            self.fail(words);
        }
    }

    fn go_on(&mut self, session: &mut Session, shown: &mut Shown) -> bool {
        for words in self.news.drain(..) {
            shown.line(&words);
        }
        if self.exit.is_some() {
            return false;
        }
        if !self.is_asked {
            self.ask(session);
        }
        let sent = self.send_on(session);
        if let Some(sending) = &self.current {
            let (name, done) = (sending.source().name(), sending.sent());
            shown.progress(&mut self.progress, name, done, sending.source().bytes());
        }
        sent.unwrap_or_else(|error| {
            // Those who fetch it must not wait for the rest of what is no more.
            if let Some(file) = self.current.as_ref().and_then(Sending::file) {
                session.run(&format!("/cancel {file}"), &mut trace);
            }
            shown.line(&error.to_string());
            self.exit = Some(Exit::Lost);
            false
        })
    }

    fn exit(&self) -> Option<Exit> {
        self.exit.filter(|_| self.news.is_empty())
    }
}
