//! Dice: the one source of chance, and the rates that are drawn with it.
//!
//! The generator is our own and never changes, so that a seed means the same for ever. Every rate
//! is drawn per seed, because with fixed rates whole families of schedules never happen: each seed
//! is another kind of weather.

use crate::chat::Rates;
use crate::fanout::Bounds;
use crate::limits::{
    ANSWER_BYTES_MAX, JOURNAL_BYTES_MAX, JOURNAL_JOBS_MAX, KIB, REPLIES_OWED_BYTES_MAX,
    TEXT_BYTES_MAX,
};
use std::time::Duration;

/// A stream of numbers that its seed decides (splitmix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        let span = (high - low) as u64 + 1;
        low + usize::try_from(self.number() % span).expect("a span fits")
    }

    /// From `low` to `high`, every order of magnitude as likely as the others.
    pub(super) fn magnitude(&mut self, low: usize, high: usize) -> usize {
        let (mut floor, mut doublings) = (low.max(1), 0);
        while floor * 2 <= high {
            floor *= 2;
            doublings += 1;
        }
        let floor = low.max(1) << self.between(0, doublings);
        self.between(floor.min(high), (floor * 2).min(high))
            .max(low)
    }

    /// True `permille` times in a thousand.
    pub(super) fn chance(&mut self, permille: usize) -> bool {
        self.between(0, 999) < permille
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() - 1)]
    }
}

/// What people do, each with how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Say,
    SayMuch,
    Tell,
    Nick,
    Join,
    Leave,
    Topic,
    History,
    Ignore,
    Chatter,
    Settings,
    Again,
    Reset,
    Move,
    Quit,
}

/// The kinds of acts, and the highest weight each may be drawn.
const ACTS: [(Act, usize); 15] = [
    (Act::Say, 400),
    (Act::SayMuch, 120),
    (Act::Tell, 100),
    (Act::Nick, 60),
    (Act::Join, 160),
    (Act::Leave, 120),
    (Act::Topic, 30),
    (Act::History, 100),
    (Act::Ignore, 30),
    (Act::Chatter, 60),
    (Act::Settings, 20),
    (Act::Again, 60),
    (Act::Reset, 60),
    (Act::Move, 40),
    (Act::Quit, 30),
];

/// Bytes per turn from which on a peer is not called slow.
const FAST_BYTES: usize = 256;

/// What is drawn once per seed.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) turns: usize,
    pub(super) people: usize,
    pub(super) rooms: usize,
    /// How many in a thousand come through the line door.
    pub(super) line_permille: usize,
    /// Longest time from one turn to the next.
    pub(super) tick: Duration,
    /// How often somebody acts in a turn, and how many acts come at once.
    pub(super) act_permille: usize,
    pub(super) acts_at_once: usize,
    pub(super) acts: Vec<(Act, usize)>,
    /// Longest text of those who say much.
    pub(super) text_bytes_max: usize,
    /// Bytes from a peer, and to a peer, at a time.
    pub(super) up_bytes_max: usize,
    pub(super) down_bytes_max: usize,
    /// Bytes the kernel takes for a peer that does not read.
    pub(super) kernel_bytes: usize,
    /// How often a reader stops reading, and for how many turns.
    pub(super) block_permille: usize,
    pub(super) block_turns_max: usize,
    /// Turns until the server learns that a peer is gone.
    pub(super) ghost_turns_max: usize,
    /// Turns until a peer comes back.
    pub(super) away_turns_max: usize,
    /// Turns until the store answers, how often it takes what is queued, and how often it fails.
    pub(super) store_turns_max: usize,
    pub(super) store_permille: usize,
    pub(super) store_fails_permille: usize,
    /// How often the reader fails, and how many entries it gives at once.
    pub(super) page_fails_permille: usize,
    pub(super) page_entries_max: usize,
    /// How often the process dies; only where there is a disk.
    pub(super) crash_permille: usize,
    pub(super) rates: Rates,
    pub(super) journal_jobs_max: usize,
    pub(super) journal_bytes_max: usize,
    pub(super) bounds: Bounds,
    /// Whether readers may miss entries under these bounds.
    pub(super) is_tight: bool,
    pub(super) stall_timeout: Duration,
    /// Time that one look at the clock takes within a sweep, at most.
    pub(super) sweep_step: Duration,
}

impl Weather {
    /// Whether long answers come through in a bearable number of turns.
    pub(super) fn is_fast(&self) -> bool {
        self.down_bytes_max >= FAST_BYTES && self.up_bytes_max >= FAST_BYTES
    }

    pub(super) fn draw(dice: &mut Dice) -> Self {
        // Where entries are longer than records, they are begun in one and ended in another.
        let is_broad = dice.chance(350);
        let (narrowest, shortest) = if is_broad { (KIB, 16 * KIB) } else { (1, 64) };
        let down_bytes_max = dice.magnitude(narrowest, 16 * KIB);
        let up_bytes_max = dice.magnitude(narrowest, 16 * KIB);
        // What trickles must be little, or a seed would take minutes.
        let trickle_bytes_max = 64 * down_bytes_max.min(up_bytes_max);
        let longest = if dice.chance(50) {
            TEXT_BYTES_MAX - KIB
        } else {
            64 * KIB
        };
        let text_bytes_max = dice
            .magnitude(shortest, longest)
            .min(trickle_bytes_max)
            .max(64);
        let (bounds, is_tight) = draw_bounds(dice, text_bytes_max);
        let has_store = bounds.has_store;
        let ticks = [1, 5, 20, 100, 1_000].map(Duration::from_millis);
        let is_bounded = dice.chance(300);
        Self {
            turns: dice.between(80, 300),
            people: dice.between(2, 12),
            rooms: dice.between(1, 4),
            line_permille: *dice.pick(&[0, 200, 500, 800, 1_000]),
            tick: *dice.pick(&ticks),
            act_permille: dice.magnitude(10, 400),
            acts_at_once: dice.magnitude(1, 12),
            acts: ACTS
                .map(|(act, weight)| (act, dice.between(0, weight)))
                .to_vec(),
            text_bytes_max,
            up_bytes_max,
            down_bytes_max,
            kernel_bytes: dice.magnitude(64, 32 * KIB),
            block_permille: *dice.pick(&[0, 2, 10, 40]),
            block_turns_max: dice.magnitude(2, 200),
            ghost_turns_max: dice.between(0, 20),
            away_turns_max: dice.between(1, 30),
            store_turns_max: dice.between(0, 50),
            store_permille: dice.between(50, 1_000),
            store_fails_permille: *dice.pick(&[0, 0, 20, 200]),
            page_fails_permille: if has_store {
                *dice.pick(&[0, 0, 0, 50])
            } else {
                0
            },
            page_entries_max: dice.magnitude(1, 200),
            crash_permille: if has_store {
                *dice.pick(&[0, 3, 10, 30])
            } else {
                0
            },
            rates: draw_rates(dice),
            journal_jobs_max: if is_bounded {
                dice.magnitude(1, 30)
            } else {
                JOURNAL_JOBS_MAX
            },
            journal_bytes_max: if is_bounded {
                dice.magnitude(100, 64 * KIB)
            } else {
                JOURNAL_BYTES_MAX
            },
            bounds,
            is_tight,
            stall_timeout: Duration::from_secs(dice.magnitude(1, 60) as u64),
            sweep_step: Duration::from_micros(dice.magnitude(1, 3_000) as u64),
        }
    }
}

/// Bounds, and whether memory loses what readers want under them.
fn draw_bounds(dice: &mut Dice, text_bytes_max: usize) -> (Bounds, bool) {
    let (bounds, is_tight) = match dice.between(0, 9) {
        0..5 => (wide_bounds(), false),
        5 => (Bounds::default(), true),
        _ => (tight_bounds(dice, text_bytes_max), true),
    };
    let bounds = Bounds {
        has_store: dice.chance(500),
        pages_max: dice.magnitude(1, 64),
        page_bytes_max: dice.magnitude(64, 256 * KIB),
        ..bounds
    };
    (bounds, is_tight)
}

fn draw_rates(dice: &mut Dice) -> Rates {
    let usual = crate::chat::Settings::default().rates;
    if dice.chance(500) {
        return Rates {
            command_burst: 1_000_000,
            commands_per_second: 1_000_000,
            byte_burst: 1 << 30,
            bytes_per_second: 1 << 30,
        };
    }
    Rates {
        command_burst: u32::try_from(dice.magnitude(1, 40)).expect("a small number"),
        commands_per_second: u32::try_from(dice.magnitude(1, 40)).expect("a small number"),
        byte_burst: dice.magnitude(1_000, usual.byte_burst),
        bytes_per_second: dice.magnitude(1_000, 10 * usual.bytes_per_second),
    }
}

/// Bounds that are never reached, so that every entry must be shown.
fn wide_bounds() -> Bounds {
    const WIDE_BYTES: usize = 1 << 30;
    Bounds {
        room_log_bytes_min: WIDE_BYTES,
        room_log_entries_min: WIDE_BYTES,
        room_log_bytes_pressed: WIDE_BYTES,
        room_log_bytes_max: WIDE_BYTES,
        logs_bytes_max: WIDE_BYTES,
        unfinished_bytes_max: WIDE_BYTES,
        ..Bounds::default()
    }
}

/// Bounds that are reached, though the longest entry fits all of them.
fn tight_bounds(dice: &mut Dice, text_bytes_max: usize) -> Bounds {
    // Both forms of the longest entry, with envelopes and repeated prefixes.
    let entry_bytes_max = 2 * text_bytes_max + 4 * KIB;
    let room_log_bytes_max = entry_bytes_max + dice.magnitude(KIB, 32 * KIB);
    let room_log_bytes_min = dice.magnitude(64, room_log_bytes_max / 2);
    Bounds {
        segment_bytes: dice.magnitude(64, 8 * KIB),
        room_log_bytes_min,
        room_log_entries_min: dice.magnitude(1, 40),
        room_log_bytes_pressed: dice.between(room_log_bytes_min, room_log_bytes_max),
        room_log_bytes_max,
        logs_bytes_max: 2 * entry_bytes_max
            + dice.magnitude(room_log_bytes_max, 8 * room_log_bytes_max),
        // Answers that wait for the end of a replay are said in one breath with it.
        unfinished_bytes_max: (2 * entry_bytes_max).max(REPLIES_OWED_BYTES_MAX + ANSWER_BYTES_MAX)
            + dice.magnitude(KIB, 64 * KIB),
        write_buffers_max: dice.magnitude(2, 16),
        small_room_members_max: dice.between(1, 12),
        ..Bounds::default()
    }
}
