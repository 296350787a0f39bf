//! The chat itself: who is there, what was said, what may be done.
//!
//! Pure: it knows no socket, clock, thread, encoding or disk. Everything comes in as an [`Input`] with
//! the time beside it, and everything that must happen leaves as an [`Effect`], in order. So the
//! same code runs in the server, in the simulator and in the benches.
//!
//! ```text
//! Input -> apply ─┬─ doors       the prompt, Hello, resuming, going; secrets and arrivals: accounts
//!                 ├─ commands    what people ask for     ─┬─> membership   who is where; a room's order
//!                 └─ journal     what the store answered ─┘                Publish, Join, Leave
//! ```
//!
//! What may be done is decided in `roles` (who may do as much as whom) and `sanctions` (who may not
//! speak or enter); what outlives the process goes through `changes`.

pub mod command;
pub mod name;
pub mod refusal;
pub mod span;
pub mod text;
pub mod vocabulary;

mod accounts;
mod activity;
mod apply;
mod arrivals;
mod begin;
mod changes;
mod commands;
mod directory;
mod doors;
#[cfg(test)]
pub(crate) mod fault;
mod files;
mod greetings;
mod held;
mod inboxes;
mod invariants;
mod journal;
mod logins;
mod mail;
mod membership;
mod orphans;
mod pending;
mod people;
mod presence;
mod remembered;
mod roles;
mod rooms;
mod sanctions;
mod searches;
mod seats;
mod secrets;
mod sessions;
#[cfg(test)]
mod tests;
mod throttle;

pub use name::{Name, RoomName};
pub use refusal::{FileRefusal, Refusal, SpoolFailure, StoreFailure};
pub use throttle::Rates;
pub use vocabulary::*;

use crate::limits::{
    ACCOUNTS_MAX, COMMAND_BURST, COMMAND_BYTES_BURST, COMMAND_BYTES_PER_SECOND,
    COMMANDS_PER_SECOND, FILE_AGE, FILE_QUOTA_BYTES, GUEST_RESUME_AGE_MAX, JOURNAL_BYTES_MAX,
    JOURNAL_JOBS_MAX, ROOMS_MAX, ROOMS_PER_ACCOUNT_MAX, ROOMS_PER_GUEST_MAX,
};
use accounts::Accounts;
use changes::Changes;
use files::Offers;
use held::HeldNames;
use journal::Journal;
use logins::{LoginDelays, PasswordJobs};
use mail::Mail;
use orphans::Orphans;
use people::People;
use remembered::Remembered;
use rooms::Rooms;
use sanctions::Sanctions;
use searches::Searches;
use seats::Seats;
use std::time::Duration;

/// The room that is always there.
pub const LOBBY: RoomId = RoomId(1);
/// What it is called.
pub const LOBBY_NAME: &str = "lobby";

/// What the operator decides.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long what is said is kept.
    pub kept: Kept,
    /// How fast clients may speak.
    pub rates: Rates,
    /// Whether guests may create rooms.
    pub guests_create_rooms: bool,
    /// Rooms at once.
    pub rooms_max: usize,
    /// Rooms one guest may own.
    pub rooms_per_guest: usize,
    /// Rooms one account may own.
    pub rooms_per_account: usize,
    /// Accounts at once.
    pub accounts_max: usize,
    /// How long a guest whose connection was lost may resume its session.
    pub guest_resume: Duration,
    /// Whether what people say goes into the activity log.
    pub log_messages: bool,
    /// The first room id that was never used in this epoch; greater than [`LOBBY`].
    pub rooms_from: RoomId,
    /// Whether an empty line through the line door means leaving.
    pub empty_line_leaves: bool,
    /// Messages on their way to the store at once; at most [`JOURNAL_JOBS_MAX`].
    pub journal_jobs_max: usize,
    /// Bytes of text on their way to the store at once.
    pub journal_bytes_max: usize,
    /// Bytes of files that are kept; none are taken when 0.
    pub file_quota: u64,
    /// How long a file is kept.
    pub file_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kept: Kept::InMemory,
            rates: Rates {
                command_burst: COMMAND_BURST,
                commands_per_second: COMMANDS_PER_SECOND,
                byte_burst: COMMAND_BYTES_BURST,
                bytes_per_second: COMMAND_BYTES_PER_SECOND,
            },
            guests_create_rooms: true,
            rooms_max: ROOMS_MAX,
            rooms_per_guest: ROOMS_PER_GUEST_MAX,
            rooms_per_account: ROOMS_PER_ACCOUNT_MAX,
            accounts_max: ACCOUNTS_MAX,
            guest_resume: GUEST_RESUME_AGE_MAX,
            log_messages: false,
            rooms_from: RoomId(LOBBY.0 + 1),
            empty_line_leaves: true,
            journal_jobs_max: JOURNAL_JOBS_MAX,
            journal_bytes_max: JOURNAL_BYTES_MAX,
            file_quota: FILE_QUOTA_BYTES,
            file_age: FILE_AGE,
        }
    }
}

/// The whole state of the chat.
///
/// Invariants, checked in debug builds after every input: who is a member of a room has the room on
/// its list, and the other way round; a seat and its person name each other; as many messages wait
/// in the rooms' orders as the journal owes answers for.
#[derive(Debug)]
pub struct Chat {
    settings: Settings,
    epoch: Epoch,
    /// The time of the current input.
    now: Now,
    seats: Seats,
    people: People,
    accounts: Accounts,
    remembered: Remembered,
    mail: Mail,
    orphans: Orphans,
    password_jobs: PasswordJobs,
    login_delays: LoginDelays,
    held: HeldNames,
    sanctions: Sanctions,
    searches: Searches,
    rooms: Rooms,
    journal: Journal,
    changes: Changes,
    offers: Offers,
    space: Space,
    is_stopping: bool,
}

impl Chat {
    /// Asks for address space for `clients` people at once. Optional: it saves what tables that move
    /// as they grow leave behind.
    pub fn reserve(&mut self, clients: usize) {
        self.people.reserve(clients);
    }

    /// Goes by other settings from now on. What people have already, such as rooms above a new
    /// bound, they keep; how long what is said is kept, and the first room id, stay as they are.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = Settings {
            kept: self.settings.kept,
            rooms_from: self.settings.rooms_from,
            ..settings
        };
    }

    /// When [`Input::Tick`] is wanted, if nothing else comes before.
    pub fn next_deadline(&self) -> Option<Duration> {
        let count = self.rooms.next_count().map(|(due, _)| due);
        let dues = [
            count,
            self.next_expiry(),
            self.rooms.patience_ends(),
            self.remembered.next_due(),
            self.orphans.due(),
            self.next_offer_expiry(),
        ];
        dues.into_iter().flatten().min()
    }

    /// Whether no account administers the server.
    pub fn lacks_admin(&self) -> bool {
        !self.accounts.has_admin()
    }

    /// How many answers the journal owes.
    pub fn journal_len(&self) -> usize {
        self.journal.len() + self.changes.outstanding()
    }

    /// How many searches the reader owes an answer.
    pub fn searches_len(&self) -> usize {
        self.searches.count()
    }

    /// Whether the journal owes no answer; a stopping server waits for it.
    pub fn is_settled(&self) -> bool {
        self.journal.is_empty() && self.changes.is_empty()
    }
}
