//! Every store does the same with the same operations.
//!
//! Goal: no order of commits, retries, chores, restarts and questions makes a store differ from a
//! flat model. Method: draw operations from a seed, apply them to both, compare all that can be
//! asked. What a store cannot be asked is not compared: one in memory has no reader.

use super::model::Model;
use super::*;
use crate::chat::{
    AccountId, AccountRecord, ClientKey, Culprit, InboxRecord, Measure, Owner, PasswordHash, Role,
    SanctionId, SanctionRecord, SessionRecord, Snapshot, TokenHash,
};

const STEPS: usize = 120;
const SEEDS: u64 = 12;
const WORDS: [&str; 6] = ["apple", "pear", "plum", "fig", "quince", "date"];
const PEOPLE: [&str; 4] = ["ann", "bob", "bob_x", "eve"];

/// What is examined.
trait Subject {
    fn store(&mut self) -> &mut dyn Store;
    fn reader(&mut self) -> Option<&mut dyn Reader>;
    fn snapshot(&self, unix_ms: u64) -> Option<Snapshot>;
    /// Ends it, properly or not, and begins it again.
    fn restart(&mut self, is_proper: bool);
}

struct InMemory(MemoryStore);

impl Subject for InMemory {
    fn store(&mut self) -> &mut dyn Store {
        &mut self.0
    }

    fn reader(&mut self) -> Option<&mut dyn Reader> {
        None
    }

    fn snapshot(&self, _: u64) -> Option<Snapshot> {
        None
    }

    fn restart(&mut self, _: bool) {}
}

struct OnDisk {
    folder: tempfile::TempDir,
    open: Option<(SqliteStore, SqliteReader)>,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Self { folder, open: None };
        made.begin();
        made
    }

    fn begin(&mut self) {
        let store = open(self.folder.path());
        let reader = reader(&store);
        self.open = Some((store, reader));
    }
}

impl Subject for OnDisk {
    fn store(&mut self) -> &mut dyn Store {
        &mut self.open.as_mut().unwrap().0
    }

    fn reader(&mut self) -> Option<&mut dyn Reader> {
        Some(&mut self.open.as_mut().unwrap().1)
    }

    fn snapshot(&self, unix_ms: u64) -> Option<Snapshot> {
        Some(self.open.as_ref().unwrap().0.load(unix_ms).unwrap())
    }

    fn restart(&mut self, is_proper: bool) {
        let (mut store, reader) = self.open.take().unwrap();
        drop(reader);
        if is_proper {
            store.close().unwrap();
        }
        drop(store);
        self.begin();
    }
}

/// Draws numbers; the same seed draws the same ones, for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn name(&mut self) -> Name {
        Name::parse(self.of(&PEOPLE)).unwrap()
    }

    fn some<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(50).then(|| draw(self))
    }
}

/// Rooms 1 to 5 last and are rooms or inboxes; others come and go.
struct Author {
    dice: Dice,
    unix_ms: u64,
    next_key: u64,
    next_room: u64,
    lately: Vec<Write>,
}

impl Author {
    fn room(&mut self) -> RoomId {
        let lasting = self.dice.chance(80);
        RoomId(if lasting {
            1 + self.dice.below(5)
        } else {
            self.next_room
        })
    }

    fn write(&mut self) -> Write {
        self.next_key += 1;
        if self.dice.chance(70) {
            if !self.lately.is_empty() && self.dice.chance(20) {
                let index = self.dice.below(self.lately.len() as u64);
                return self.lately[usize::try_from(index).unwrap()].clone();
            }
            let write = self.append();
            self.lately.push(write.clone());
            return write;
        }
        let change = self.change();
        Write::Change {
            ticket: Ticket(self.next_key),
            change,
        }
    }

    fn append(&mut self) -> Write {
        let words = self.dice.below(5) + 1;
        let text: Vec<&str> = (0..words).map(|_| self.dice.of(&WORDS)).collect();
        let text: Arc<str> = text.join(" ").into();
        let is_private = self.dice.chance(25);
        let body = |is_own| match (is_private, is_own) {
            (false, _) => Body::Said(text.clone()),
            (true, true) => Body::Sent(text.clone()),
            (true, false) => Body::Received(text.clone()),
        };
        let (author, other) = (self.dice.name(), self.dice.name());
        let entry = |author, body| Entry {
            id: None,
            unix_ms: self.unix_ms,
            author,
            origin: None,
            body,
        };
        let (own, others) = (entry(author, body(true)), entry(other, body(false)));
        let row = (self.room(), own);
        let second = is_private.then(|| (self.room(), others));
        Write::Append(Append {
            ticket: Ticket(self.next_key),
            sender: (
                SessionId(self.dice.below(3)),
                MessageKey(self.next_key << 50),
            ),
            row,
            second,
        })
    }

    fn change(&mut self) -> Change {
        let account = AccountId(1 + self.dice.below(4));
        match self.dice.below(9) {
            0 => Change::PutRoom(self.room_record()),
            1 => Change::PutInbox(InboxRecord {
                id: RoomId(self.next_room),
                owner: if self.dice.chance(70) {
                    Owner::Account(account)
                } else {
                    Owner::Session(SessionId(u64::MAX - account.0))
                },
            }),
            2 => {
                self.next_room += 1;
                Change::RemoveRoom(RoomId(self.next_room - 1))
            }
            3 => Change::PutAccount(self.account_record(account)),
            4 if self.dice.chance(30) => {
                // Its inbox ends, and no room has its number ever again.
                self.next_room += 1;
                Change::RemoveAccount(account)
            }
            5 => Change::PutSanction(self.sanction_record()),
            6 => Change::PutSession(SessionRecord {
                token: TokenHash([u8::try_from(self.dice.below(9)).unwrap(); 16]),
                account,
                seen_unix_ms: self.unix_ms,
            }),
            7 => Change::RemoveSession(TokenHash([u8::try_from(self.dice.below(9)).unwrap(); 16])),
            _ => Change::Erase(self.room(), EntryId(1 + self.dice.below(40))),
        }
    }

    fn room_record(&mut self) -> RoomRecord {
        let id = self.room();
        let of = |account| AccountId(account);
        RoomRecord {
            id,
            topic: self.dice.some(|_| "a topic".into()),
            key: self.dice.some(|_| "sesame".into()),
            limit: self
                .dice
                .some(|dice| u32::try_from(dice.below(99)).unwrap()),
            is_hidden: self.dice.chance(50),
            admits_plain: self.dice.chance(50),
            has_history: self.dice.chance(50),
            guest: self.dice.some(|dice| SessionId(u64::MAX - dice.below(9))),
            roles: vec![(of(1), Role::Owner), (of(3), Role::Moderator)],
            invited: vec![of(2), of(4)],
            ..room_record(id.0)
        }
    }

    fn account_record(&mut self, id: AccountId) -> AccountRecord {
        // Names of accounts differ, as the chat sees to; some come back.
        let number = id.0 * 10 + self.dice.below(3);
        AccountRecord {
            id,
            name: Name::parse(&format!("acc{number}")).unwrap(),
            password: self.dice.some(|_| PasswordHash("$argon2id$secret".into())),
            keys: vec![(ClientKey([3; 20]), self.unix_ms), (ClientKey([4; 20]), 7)],
            is_admin: self.dice.chance(50),
            since_unix_ms: 5,
            seen_unix_ms: self.unix_ms,
            inbox: self.dice.some(|dice| RoomId(1 + dice.below(5))),
            inbox_read: EntryId(self.dice.below(20)),
            rooms: vec![RoomId(4), RoomId(1)],
            current: self.dice.some(|_| RoomId(4)),
            ignored: vec![self.dice.name()],
        }
    }

    fn sanction_record(&mut self) -> SanctionRecord {
        let source = "2001:db8::".parse().unwrap();
        SanctionRecord {
            id: SanctionId(1 + self.dice.below(20)),
            measure: self.dice.of(&[Measure::Kick, Measure::Mute, Measure::Ban]),
            room: self.dice.some(|dice| RoomId(1 + dice.below(8))),
            culprit: Culprit {
                name: self.dice.name(),
                account: self.dice.some(|_| AccountId(2)),
                session: self.dice.some(|_| SessionId(u64::MAX)),
                source: self.dice.some(|_| source),
                key: self.dice.some(|_| ClientKey([9; 20])),
            },
            by: self.dice.name(),
            why: self.dice.some(|_| "noise".into()),
            since_unix_ms: self.unix_ms,
            until_unix_ms: self.dice.some(|dice| dice.below(20_000)),
            lifted: self
                .dice
                .some(|dice| (dice.name(), 9))
                .filter(|_| self.unix_ms.is_multiple_of(3)),
        }
    }

    fn page_request(&mut self) -> PageRequest {
        let from = match self.dice.below(3) {
            0 => From::Newest(usize::try_from(self.dice.below(30)).unwrap()),
            1 => From::Since(self.dice.below(self.unix_ms + 100)),
            _ => From::After(EntryId(self.dice.below(60))),
        };
        PageRequest {
            room: self.room(),
            from,
            before: EntryId(self.dice.of(&[0, 1, 17, 60, u64::MAX])),
        }
    }

    fn search(&mut self) -> Search {
        let count = self.dice.below(3);
        Search {
            ticket: Ticket(0),
            rooms: (1..=5).chain([self.next_room]).map(RoomId).collect(),
            words: (0..count).map(|_| self.dice.of(&WORDS).into()).collect(),
            from: self.dice.some(Dice::name),
            since_unix_ms: self.dice.some(|dice| dice.below(20_000)),
            hits_max: usize::try_from(1 + self.dice.below(40)).unwrap(),
        }
    }
}

fn assert_same_outcomes(subject: &[Outcome], model: &[Outcome], context: &str) {
    let show = |outcomes: &[Outcome]| {
        outcomes
            .iter()
            .map(|o| format!("{o:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(show(subject), show(model), "{context}");
}

fn assert_same_snapshot(found: &Snapshot, model: &Model, unix_ms: u64, context: &str) {
    let mut rooms = Vec::new();
    for (record, extent) in &found.rooms {
        let expected = model.extent(record.id);
        assert_eq!(
            (extent.first, extent.newest),
            (expected.first, expected.newest),
            "{context}"
        );
        rooms.push(record.clone());
    }
    assert_eq!(
        rooms,
        model.rooms.values().cloned().collect::<Vec<_>>(),
        "{context}"
    );
    let inboxes: Vec<_> = found.inboxes.iter().map(|(record, _)| *record).collect();
    assert_eq!(
        inboxes,
        model.inboxes.values().copied().collect::<Vec<_>>(),
        "{context}"
    );
    let accounts: Vec<_> = model.accounts.values().cloned().collect();
    assert_eq!(found.accounts, accounts, "{context}");
    let mut retired = found.retired.clone();
    retired.sort_unstable();
    assert_eq!(retired, model.retired(unix_ms), "{context}");
    assert_eq!(
        found.sanctions,
        model.sanctions_in_force(unix_ms),
        "{context}"
    );
    assert_eq!(found.sessions, model.sessions_alive(unix_ms), "{context}");
    assert_eq!(found.waiting, model.waiting(), "{context}");
    let numbers = (
        found.rooms_from.0,
        found.accounts_from.0,
        found.sanctions_from.0,
    );
    let expected = (model.rooms_from, model.accounts_from, model.sanctions_from);
    assert_eq!(numbers, expected, "{context}");
}

/// One run of drawn operations, on the subject and on the model.
fn conforms(mut subject: impl Subject, seed: u64) {
    let mut model = Model::new();
    let mut author = Author {
        dice: Dice(seed),
        unix_ms: 1_000,
        next_key: 0,
        next_room: 6,
        lately: Vec::new(),
    };
    for step in 0..STEPS {
        let context = format!("seed {seed} step {step}");
        author.unix_ms += author.dice.below(200);
        let now = author.unix_ms;
        match author.dice.below(10) {
            0..5 => {
                let count = 1 + author.dice.below(30);
                let batch: Vec<Write> = (0..count).map(|_| author.write()).collect();
                let outcomes = subject.store().commit(now, &batch).unwrap();
                assert_same_outcomes(&outcomes, &model.commit(now, &batch), &context);
            }
            5 => {
                subject.store().idle(now).unwrap();
            }
            6 => {
                let is_proper = author.dice.chance(50);
                subject.restart(is_proper);
            }
            7 => {
                if let Some(found) = subject.snapshot(now) {
                    assert_same_snapshot(&found, &model, now, &context);
                }
            }
            8 => {
                let request = author.page_request();
                if let Some(reader) = subject.reader() {
                    let found = reader.page(&request).unwrap();
                    assert_eq!(found, model.page(&request), "{context}: {request:?}");
                }
            }
            _ => {
                let search = author.search();
                while subject.store().idle(now).unwrap() == Idle::More {}
                if let Some(reader) = subject.reader() {
                    let found = reader.search(&search).unwrap();
                    assert_eq!(found, model.search(&search), "{context}: {search:?}");
                }
            }
        }
    }
}

#[test]
fn the_store_in_memory_conforms() {
    for seed in 0..SEEDS {
        conforms(InMemory(MemoryStore::new()), seed);
    }
}

#[test]
fn the_store_on_disk_conforms() {
    for seed in 0..SEEDS {
        conforms(OnDisk::new(), seed);
    }
}
