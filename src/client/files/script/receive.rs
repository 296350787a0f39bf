//! `parlour receive`: lists files, or fetches them, one after the other.

use super::super::super::exit::Exit;
use super::super::super::news::News;
use super::super::super::session::Session;
use super::super::folder::{Downloads, FolderError};
use super::super::offered::Offered;
use super::super::progress::Progress;
use super::super::receiving::{Received, Receiving};
use super::{Errand, Failure, Server, Shown, run, trace};
use crate::chat::{FileId, MessageKey, Name, RoomName, Size, Way};
use crate::client::arguments::{parse_name, parse_room};
use crate::client::safe::safe_row;
use crate::limits::FILES_MAX;
use crate::wire::message::{BodyView, FileAnswer, FileRequest};
use clap::Args;
use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::path::PathBuf;

/// What is received, and where it goes.
#[derive(Debug, Args)]
pub struct ReceiveArguments {
    /// The numbers of files to fetch; without any, and without --accept-all, what there is is
    /// listed.
    #[arg(value_name = "N")]
    pub files: Vec<u64>,
    /// Fetch every file that is offered.
    #[arg(long)]
    pub accept_all: bool,
    /// Only files that this person offers.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub from: Option<Name>,
    /// The room to be in, instead of #lobby.
    #[arg(long, value_name = "ROOM", value_parser = parse_room)]
    pub room: Option<RoomName>,
    /// The folder that files go to, and nowhere else [default: the one this is started in].
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    pub downloads: PathBuf,
    /// Wait until so many files have been received; 0 waits for ever.
    #[arg(long, value_name = "COUNT", requires = "accept_all")]
    pub wait: Option<usize>,
    /// Which server, and as whom.
    #[command(flatten)]
    pub server: Server,
}

/// Fetches files; ends when all that was wanted is there.
///
/// # Errors
///
/// A [`Failure`] when the folder cannot be used.
pub fn receive(arguments: &ReceiveArguments) -> Result<Exit, Failure> {
    let downloads = Downloads::open(&arguments.downloads);
    let downloads = downloads.map_err(|error| (Exit::Lost, error.to_string()))?;
    let mut errand = Receiver {
        is_list: arguments.files.is_empty() && !arguments.accept_all,
        numbers: arguments.files.iter().copied().map(FileId).collect(),
        accepts_all: arguments.accept_all,
        from: arguments.from,
        wait: arguments.wait,
        downloads,
        listing: None,
        waiting: VecDeque::new(),
        seen: BTreeSet::new(),
        current: None,
        is_asked: false,
        more: None,
        received: 0,
        failed: false,
        news: Vec::new(),
        exit: None,
        progress: Progress::default(),
    };
    let folder = (!errand.is_list).then_some(arguments.downloads.as_path());
    run(&arguments.server, arguments.room, folder, &mut errand)
}

/// What is to be told.
enum Told {
    /// To the script: on standard output.
    Out(String),
    /// To whoever watches.
    Aside(String),
}

struct Receiver {
    is_list: bool,
    /// Which files are wanted and have not been seen.
    numbers: BTreeSet<FileId>,
    accepts_all: bool,
    from: Option<Name>,
    wait: Option<usize>,
    downloads: Downloads,
    /// The question what there is, while it is not answered.
    listing: Option<MessageKey>,
    waiting: VecDeque<Offered>,
    seen: BTreeSet<FileId>,
    current: Option<Receiving>,
    /// Whether the current one was asked for on this connection.
    is_asked: bool,
    /// The bound that is to be told the server next.
    more: Option<(FileId, u64)>,
    received: usize,
    failed: bool,
    news: Vec<Told>,
    exit: Option<Exit>,
    progress: Progress,
}

impl Receiver {
    /// A file is offered: it is fetched if it is wanted, once.
    fn see(&mut self, offered: Offered) {
        let is_wanted = self.numbers.remove(&offered.file)
            || self.accepts_all && self.from.is_none_or(|from| from == offered.from);
        // No server offers more than that.
        let has_place = self.waiting.len() < FILES_MAX;
        if is_wanted && has_place && self.seen.insert(offered.file) {
            self.waiting.push_back(offered);
        }
    }

    fn hear_answer(&mut self, answer: &FileAnswer<'_>) {
        if let FileAnswer::Listed(listed) = answer {
            let is_meant = self.from.is_none_or(|from| from == listed.from);
            if self.is_list && !is_meant {
                return;
            }
            if self.is_list {
                let (file, name, size) = (listed.file, safe_row(&listed.name), Size(listed.bytes));
                let words = format!("{file}\t{}\t{size}\t{name}", listed.from);
                self.news.push(Told::Out(words));
            } else if !listed.is_own || self.numbers.contains(&listed.file) {
                self.see(Offered::listed(listed));
            }
            return;
        }
        let Some(receiving) = self.current.as_mut() else {
            return;
        };
        match receiving.hear(answer) {
            Ok(Received::NotMine | Received::On) => {}
            Ok(Received::More(file, until)) => self.more = Some((file, until)),
            Ok(Received::Again) => self.is_asked = false,
            Ok(Received::Whole) => self.finish(),
            Ok(Received::Over(end)) => {
                let words = format!("{} is not received: {end}", receiving.name());
                self.give_up(words);
            }
            Err(error) => {
                let is_spoilt = matches!(error, FolderError::Spoilt(_));
                if let Some(receiving) = self.current.take_if(|_| is_spoilt) {
                    receiving.discard();
                }
                self.give_up(error.to_string());
            }
        }
    }

    fn finish(&mut self) {
        let Some(receiving) = self.current.take() else {
            return;
        };
        match receiving.finish() {
            Ok(name) => {
                let path = self.downloads.path().join(name);
                self.news.push(Told::Out(path.display().to_string()));
                self.received += 1;
            }
            Err(error) => self.give_up(error.to_string()),
        }
    }

    /// The current file is not received; what is there of it stays.
    fn give_up(&mut self, words: String) {
        self.news.push(Told::Aside(words));
        self.failed = true;
        self.current = None;
    }

    /// The server has begun anew: its numbers mean other files now. What is there stays, for when it
    /// is offered again.
    fn history_reset(&mut self) {
        self.seen.clear();
        let current = self.current.as_ref().map(Receiving::file);
        let waiting = self.waiting.drain(..).map(|offered| offered.file);
        for file in current.into_iter().chain(waiting) {
            let words = format!("N {file} is not received: the server has begun anew");
            self.news.push(Told::Aside(words));
            self.failed = true;
        }
        self.current = None;
    }

    /// Begins with the next file that waits.
    fn begin_next(&mut self) {
        while self.current.is_none()
            && let Some(offered) = self.waiting.pop_front()
        {
            let mark = offered.mark();
            self.progress = Progress::default();
            self.is_asked = false;
            match self.downloads.part(&offered.name, &mark, offered.bytes) {
                Ok(part) => {
                    self.current = Some(Receiving::new(part, &offered));
                }
                Err(error) => self.give_up(error.to_string()),
            }
        }
    }

    /// Whether there is nothing left to be done.
    fn is_done(&self) -> bool {
        if self.listing.is_some() || self.current.is_some() || !self.waiting.is_empty() {
            return false;
        }
        match self.wait {
            None => true,
            Some(0) => false,
            Some(count) => self.received >= count,
        }
    }
}

impl Errand for Receiver {
    fn begin(&mut self, session: &mut Session) {
        self.is_asked = false;
        self.more = None;
        if let Some(receiving) = self.current.as_mut() {
            receiving.disconnected();
        }
        let key = session.draw_file_key();
        self.listing = Some(key);
        session.ask_file(&FileRequest::Files { key }, &mut trace);
    }

    fn hear(&mut self, news: &News<'_>) {
        if let News::File(answer) = *news {
            self.hear_answer(answer);
        } else if let News::Welcome {
            history_reset: true,
            ..
        } = *news
        {
            self.history_reset();
        } else if let News::FileDone(key) = *news
            && self.listing == Some(key)
        {
            self.listing = None;
            for file in std::mem::take(&mut self.numbers) {
                let words = format!("there is no N {file} for you");
                self.news.push(Told::Aside(words));
                self.failed = true;
            }
        } else if let News::FileRefused { text, .. } = *news {
            let name = self.current.as_ref().map_or("files", Receiving::name);
            let words = format!("{name}: {text}");
            self.listing = None;
            self.give_up(words);
        } else if let News::Entry {
            past: false, entry, ..
        } = *news
            && let BodyView::Offered(offer) = entry.body
            && offer.way != Way::Sent
            && !self.is_list
        {
            self.see(Offered::said(entry.author, &offer));
        }
    }

    fn go_on(&mut self, session: &mut Session, shown: &mut Shown) -> bool {
        self.begin_next();
        for told in self.news.drain(..) {
            match told {
                Told::Aside(words) => shown.line(&words),
                Told::Out(words) => {
                    let mut out = std::io::stdout();
                    let words = safe_row_keeping_tabs(&words);
                    if writeln!(out, "{words}").and_then(|()| out.flush()).is_err() {
                        self.failed = true;
                    }
                }
            }
        }
        if let Some(receiving) = self.current.as_mut() {
            if !std::mem::replace(&mut self.is_asked, true) {
                let key = session.draw_file_key();
                session.ask_file(&receiving.fetch(key), &mut trace);
            }
            if let Some((file, until)) = self.more.take() {
                session.ask_file(&FileRequest::More { file, until }, &mut trace);
            }
            let (have, bytes) = (receiving.have(), receiving.bytes());
            shown.progress(&mut self.progress, receiving.name(), have, bytes);
        }
        if self.is_done() {
            let exit = if self.failed { Exit::Lost } else { Exit::Done };
            self.exit = Some(exit);
        }
        false
    }

    fn exit(&self) -> Option<Exit> {
        self.exit
    }
}

/// A line for a script: what a terminal obeys is gone, the TABs between columns stay.
fn safe_row_keeping_tabs(words: &str) -> String {
    let columns: Vec<String> = words.split('\t').map(safe_row).collect();
    columns.join("\t")
}
