//! The simulator: the real chat, fan-out and codecs under a fake transport, clock and store, beside
//! a model that says what must be true.
//!
//! ```text
//!  people --bytes--> shell --inputs--> chat --effects--> fanout --bytes--> people
//!    |                 |                 |      \                            |
//!    |               clock             jobs     model <----- everything that came out
//!    |                                   v       ^
//!  dice                              journal ----+  (late, in batches, failing)
//! ```
//!
//! In many seeds there is a disk, and the process dies now and then: a new chat and a new fan-out
//! begin with what was committed, and people come back to it.
//!
//! One seed decides everything, the rates included. First people act for a while, and connections
//! break, stall and starve; then all that is made up to be bad stops, and what is left must be
//! delivered within a number of turns that follows from the rates. A failure names the seed and the
//! step; `PARLOUR_SEED=n` runs that one alone, `PARLOUR_SEEDS=a..b` a range.
//!
//! The shell is a small copy of `net`'s phases, since its sockets are fake. Nothing here is part of
//! the server.

mod dice;
mod disk;
mod ears;
mod faults;
mod feed;
mod journal;
mod log;
mod model;
mod people;
mod reader;
mod shell;
mod transport;
mod world;

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seeds run by default.
const SEEDS: u64 = 150;

/// Runs one seed; tells what was found wrong, and at which step.
fn run(seed: u64) -> Result<world::Summary, String> {
    let step = Cell::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| world::World::new(seed).run(&step)));
    outcome.map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied());
        format!(
            "seed {seed} step {}: {}",
            step.get(),
            words.unwrap_or("a panic without words")
        )
    })
}

fn default_seeds() -> Range<u64> {
    0..SEEDS
}

/// The seeds to run: by default, or as the environment says.
fn seeds() -> Range<u64> {
    let number = |text: &str| text.trim().parse::<u64>().expect("a seed is a number");
    if let Ok(seed) = std::env::var("PARLOUR_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match std::env::var("PARLOUR_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").expect("a range is written 0..100");
            number(from)..number(to)
        }
        Err(_) => default_seeds(),
    }
}

/// Goal: no schedule of people, network, clock and store makes the server lie, forget or stand
/// still. Method: see the module; every seed is another schedule.
#[test]
fn nothing_is_lost_repeated_reordered_or_shown_too_early() {
    let mut total = world::Summary::default();
    let mut failures = Vec::new();
    for seed in seeds() {
        match run(seed) {
            Ok(summary) => total.add(summary),
            Err(why) => {
                println!("{why}; PARLOUR_SEED={seed} runs it again");
                failures.push(seed);
            }
        }
    }
    println!("{total:#?}");
    assert!(failures.is_empty(), "seeds {failures:?} fail");
}
