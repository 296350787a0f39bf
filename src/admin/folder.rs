//! The folder of a stopped server: its own chat decides, as it would in the server.

use super::clock;
use super::password::fill;
use crate::activity::{LogFile, line};
use crate::chat::{
    Chat, Effect, Effects, Epoch, Input, Job, Kept, Now, Outcome, RequestId, Settings, Write,
};
use crate::config::Mistake;
use crate::control::Request;
use crate::limits::{ACTIVITY_LOG_BYTES, ACTIVITY_LOG_FILES};
use crate::store::{OpenError, Retention, SqliteStore, Store};
use std::path::Path;

/// The database in the data folder. Without one, nobody has an account.
const DATABASE: &str = "parlour.db";

/// Our only request.
const REQUEST: RequestId = RequestId(1);

/// A chat without people, and the store that it changes.
struct House {
    chat: Chat,
    store: SqliteStore,
    effects: Effects,
    now: Now,
    answer: Option<Result<String, String>>,
    log: String,
}

/// Has `request` carried out by the folder's own chat; its answer. The folder is locked meanwhile.
pub(super) fn make(folder: &Path, request: &Request) -> Result<Result<String, String>, Mistake> {
    check(folder)?;
    let mut house = House::open(folder)?;
    house.apply(Input::Administer(REQUEST, request.administer()))?;
    let log = std::mem::take(&mut house.log);
    house
        .store
        .close()
        .map_err(|why| Mistake(format!("cannot close the database: {why:?}")))?;
    if !log.is_empty()
        && let Err(error) = LogFile::open(folder, ACTIVITY_LOG_BYTES, ACTIVITY_LOG_FILES)
            .and_then(|mut file| file.append(&log))
    {
        eprintln!("parlourd: done, but the activity log does not say so: {error}");
    }
    house.answer.ok_or_else(|| {
        Mistake("the database did not take it; see whether the disk is full".to_owned())
    })
}

/// Sees whether a server has ever run in `folder`.
pub(super) fn check(folder: &Path) -> Result<(), Mistake> {
    if folder.join(DATABASE).exists() {
        return Ok(());
    }
    Err(Mistake(format!(
        "there are no accounts in {}; start the server once, or name its folder with --data DIR",
        folder.display()
    )))
}

impl House {
    fn open(folder: &Path) -> Result<Self, Mistake> {
        let refused = |error: OpenError| Mistake(error.to_string());
        let mut epoch = [0; 16];
        fill(&mut epoch)?;
        let store =
            SqliteStore::open(folder, Epoch(epoch), Retention::default()).map_err(refused)?;
        let unix_ms = clock::unix_ms();
        let snapshot = store.load(unix_ms).map_err(refused)?;
        let settings = Settings {
            kept: Kept::Stored,
            ..Settings::default()
        };
        Ok(Self {
            chat: Chat::begin(settings, snapshot),
            store,
            effects: Effects::new(),
            now: Now {
                unix_ms,
                ..Now::default()
            },
            answer: None,
            log: String::new(),
        })
    }

    /// Gives the chat an input, and the store what comes of it, until nothing more does.
    fn apply(&mut self, input: Input<'_>) -> Result<(), Mistake> {
        let mut effects = Effects::new();
        let _ = self.chat.apply(self.now, input, &mut effects);
        self.effects.append(&mut effects);
        while let Some(effect) = self.effects.pop_front() {
            for outcome in self.carry_out(effect)? {
                let mut effects = Effects::new();
                let _ = self
                    .chat
                    .apply(self.now, Input::Outcome(outcome), &mut effects);
                self.effects.append(&mut effects);
            }
        }
        Ok(())
    }

    /// Carries out what can happen where nobody is; everything else is for people who are there.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever there will be for people, here are none"
    )]
    fn carry_out(&mut self, effect: Effect) -> Result<Vec<Outcome>, Mistake> {
        match effect {
            Effect::Submit(Job::Write(write)) => self.write(write),
            Effect::Record(activity) => {
                self.log.push_str(&line(&activity));
                Ok(Vec::new())
            }
            Effect::Administered(REQUEST, outcome) => {
                let words = |text: std::sync::Arc<str>| text.to_string();
                self.answer = Some(outcome.map(words).map_err(words));
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn write(&mut self, write: Write) -> Result<Vec<Outcome>, Mistake> {
        self.store
            .commit(self.now.unix_ms, &[write])
            .map_err(|why| Mistake(format!("nothing is changed: {why:?}")))
    }
}
