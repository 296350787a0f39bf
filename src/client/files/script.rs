//! `parlour send` and `parlour receive`: files for scripts.
//!
//! Nothing is asked. What was received comes out as one path per line; how far it has come is told
//! on standard error; the exit code says whether all of it was sent, or received.

mod receive;
mod send;

use super::super::address::Address;
use super::super::arguments::{parse_duration, parse_name, parse_suite};
use super::super::bounds::{Needs, hold_to};
use super::super::clock::random_bytes;
use super::super::conversation::Wish;
use super::super::exit::{Exit, report, report_frame};
use super::super::folder::StateFolder;
use super::super::link::{Ending, Link, Retry};
use super::super::news::News;
use super::super::password_file::PasswordFile;
use super::super::safe::safe_row;
use super::super::session::Session;
use super::super::trust::{Decision, Trust};
use super::progress::Progress;
use crate::chat::{Name, RoomName, SecretPrompt};
use crate::crypto::handshake::PublicKey;
use crate::crypto::record::Suite;
use clap::Args;
pub use receive::{ReceiveArguments, receive};
pub use send::{SendArguments, send};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which server, and as whom.
#[derive(Debug, Args)]
pub struct Server {
    /// HOST, HOST:PORT or parlour://HOST:PORT#FINGERPRINT [default: localhost].
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// The name to be called by.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub name: Name,
    /// Accept the key of a server that is not known yet, and remember it.
    #[arg(long)]
    pub accept_new: bool,
    /// The file of this client's key; made if absent [default: one per server].
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// The file whose first line is the password of the account called NAME.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How what is sent is protected: 2 is AES-256-GCM, 1 AES-256-CTR with HMAC-SHA-256.
    #[arg(long, value_name = "NUMBER", value_parser = parse_suite, default_value = "2", hide_default_value = true)]
    pub suite: Suite,
    /// How long to go on trying when there is no connection, as in 30s or 5m [default: not at all].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub retry: Option<Duration>,
    /// Show each message, decoded, on standard error.
    #[arg(long)]
    pub trace: bool,
}

/// What a script wants done.
trait Errand {
    /// One is connected and in the room one wanted; what was asked on an earlier connection is
    /// not answered any more.
    fn begin(&mut self, session: &mut Session);

    /// Hears something.
    fn hear(&mut self, news: &News<'_>);

    /// Asks what is to be asked next; says whether there would be more at once.
    fn go_on(&mut self, session: &mut Session, shown: &mut Shown) -> bool;

    /// What it came to, once it is over.
    fn exit(&self) -> Option<Exit>;
}

/// What is shown on standard error while something is under way.
struct Shown {
    now: Duration,
    is_terminal: bool,
    has_row: bool,
}

impl Shown {
    /// Shows how far a file has come, if somebody watches and it is worth it.
    fn progress(&mut self, progress: &mut Progress, name: &str, done: u64, bytes: u64) {
        if progress.note(self.now, done) && self.is_terminal {
            self.has_row = true;
            let words = safe_row(&format!("{name}: {}", progress.words(done, bytes)));
            // Where nobody reads it, nobody misses it.
            let _ = write!(io::stderr(), "\r{words}\x1b[K");
        }
    }

    /// Says something in a line of its own.
    fn line(&mut self, words: &str) {
        if std::mem::take(&mut self.has_row) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        report(&safe_row(words));
    }
}

/// What has been heard that is no errand's.
#[derive(Default)]
struct Heard {
    server_key: Option<PublicKey>,
    asked: Option<SecretPrompt>,
    was_refused: bool,
    has_begun_anew: bool,
    notices: Vec<String>,
}

impl Heard {
    fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::ServerKey(key) => self.server_key = Some(key),
            News::AskSecret(prompt) => self.asked = Some(prompt),
            News::AskName => self.was_refused = true,
            News::Refused {
                text, of_command, ..
            } => {
                self.was_refused |= !of_command;
                self.notices.push(text.to_owned());
            }
            News::Welcome { .. } => self.has_begun_anew = true,
            News::Bye(Some(why)) => self.notices.push(format!("the server said: {why}")),
            News::Trace(text) => report_frame(text),
            News::Apart(apart) => {
                self.has_begun_anew = true;
                self.notices.push(format!("{}; trying again", apart.why));
            }
            News::LoggedIn(_)
            | News::Acknowledged { .. }
            | News::Passed(_)
            | News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Sent { .. }
            | News::NotSent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Bye(None)
            | News::Entry { .. }
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_) => {}
        }
    }
}

/// Runs an errand to its end.
fn run(
    server: &Server,
    room: Option<RoomName>,
    writable: Option<&Path>,
    errand: &mut dyn Errand,
) -> Result<Exit, Failure> {
    let usage = |why: String| (Exit::Usage, why);
    let bounds = hold_to(Needs {
        downloads: writable,
        identity: server.identity.as_deref(),
        readable: None,
    });
    // Who only reads is told nothing of where it may write.
    if writable.is_some() {
        report(&bounds.to_string());
    }
    let address = match &server.server {
        Some(text) => Address::parse(text, None).map_err(|error| usage(error.to_string()))?,
        None => Address::local(),
    };
    let password = server.password_file.as_deref().map(PasswordFile::read);
    let password = password.transpose().map_err(usage)?;
    let trust = Trust::new(
        address.clone(),
        StateFolder::find().ok(),
        server.identity.clone(),
        server.accept_new,
    );
    let wish = Wish {
        name: Some(server.name),
        room,
    };
    let key_seed = u64::from_be_bytes(random_bytes());
    let session = Session::new(wish, server.suite, key_seed, server.trace);
    let retry = server.retry.map_or(Retry::Never, Retry::For);
    let failed = |error: io::Error| (Exit::Lost, error.to_string());
    let link = Link::new(address, session, retry).map_err(failed)?;
    drive(link, &trust, password, errand).map_err(failed)
}

/// An exit that needs words.
pub type Failure = (Exit, String);

fn drive(
    mut link: Link,
    trust: &Trust,
    mut password: Option<PasswordFile>,
    errand: &mut dyn Errand,
) -> io::Result<Exit> {
    let mut heard = Heard::default();
    let mut shown = Shown {
        now: link.now(),
        is_terminal: io::stderr().is_terminal(),
        has_row: false,
    };
    let (mut has_begun, mut has_more) = (false, false);
    while link.ending().is_none() {
        let turn = link.turn(None, has_more, false, &mut |news| {
            heard.hear(&news);
            errand.hear(&news);
        })?;
        shown.now = link.now();
        for notice in heard.notices.drain(..) {
            shown.line(&notice);
        }
        answer(&mut link, trust, password.as_mut(), &mut heard);
        has_begun &= !std::mem::take(&mut heard.has_begun_anew);
        has_more = false;
        if link.is_leaving() || link.ending().is_some() {
            continue;
        }
        if link.session().conversation().is_ready() {
            if !std::mem::replace(&mut has_begun, true) {
                errand.begin(link.session());
            }
            has_more = errand.go_on(link.session(), &mut shown);
        }
        if turn.asked_to_stop || errand.exit().is_some() {
            link.leave();
        }
    }
    // Whatever the goodbye was like, the errand is done or it is not.
    let done = errand.exit();
    Ok(match (link.ending(), done) {
        (_, Some(exit)) => exit,
        (Some(Ending::KeyRefused(words)), None) => {
            shown.line(words);
            Exit::Key
        }
        (Some(Ending::Failed(why)), None) => {
            shown.line(why);
            Exit::Lost
        }
        (Some(Ending::Clean) | None, None) => Exit::Lost,
    })
}

/// Answers what a person would be asked.
fn answer(link: &mut Link, trust: &Trust, password: Option<&mut PasswordFile>, heard: &mut Heard) {
    if let Some(key) = heard.server_key.take() {
        decide(link, trust, &key, heard);
    }
    if let Some(prompt) = heard.asked.take() {
        let words = "that name is an account's: add --password-file FILE";
        match (prompt, password.map(PasswordFile::next_try)) {
            (SecretPrompt::Login(_), Some(Some(secret))) => {
                link.session().give_secret(&secret, &mut |_| {});
            }
            (SecretPrompt::Login(_), Some(None)) => {
                link.end(Ending::Failed("the password was not taken".to_owned()));
            }
            (SecretPrompt::Login(_), None)
            | (SecretPrompt::Current | SecretPrompt::New | SecretPrompt::Again, _) => {
                link.end(Ending::Failed(words.to_owned()));
            }
        }
    }
    if heard.was_refused {
        let words = "the server did not take the name or the room";
        link.end(Ending::Failed(words.to_owned()));
    }
}

fn decide(link: &mut Link, trust: &Trust, key: &PublicKey, heard: &mut Heard) {
    let refused = match trust.judge(key) {
        Decision::Accept => match trust.identity_for(key) {
            Ok(identity) => {
                link.accept(identity.as_ref(), &mut |news| heard.hear(&news));
                return;
            }
            Err(why) => Ending::Failed(why),
        },
        Decision::Ask(shown) => Ending::KeyRefused(trust.unknown_words(shown)),
        Decision::Refuse(words) => Ending::KeyRefused(words),
    };
    link.end(refused);
}

/// Shows decoded messages that are sent.
fn trace(news: News<'_>) {
    if let News::Trace(text) = news {
        report_frame(text);
    }
}
