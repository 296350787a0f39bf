//! Seeded runs against a flat model.

use super::hall::{Hall, arrival, client};
use crate::chat::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A small generator of our own, so that seeds stay valid.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

const CLIENTS: u32 = 5;
const ROOMS: [&str; 4] = ["#lobby", "#a", "#b", "#c"];
const SEEDS: u64 = 60;
const STEPS: usize = 150;

/// Who is where, as flat as it can be told.
#[derive(Default)]
struct Model {
    /// Which clients are named and open.
    present: BTreeSet<u32>,
    members: BTreeMap<&'static str, BTreeSet<u32>>,
    /// Messages under way: the text, its room's readers-to-be are those present when it settles.
    under_way: Vec<(&'static str, u32, String)>,
}

/// Goal: no order of joins, leaves, losses and speech loses, doubles or misdirects a message.
/// Method: a flat table of who is where predicts each audience at the moment the store answers; the
/// chat must agree, and its invariants hold after every input.
#[test]
fn audiences_match_the_model_for_any_order_of_commands() {
    let seeds = match std::env::var("PARLOUR_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..SEEDS,
    };
    for seed in seeds {
        let (mut dice, mut hall, mut model) = (Dice::new(seed), Hall::new(), Model::default());
        hall.answers = false;
        for step in 0..STEPS {
            take_step(&mut dice, &mut hall, &mut model, step);
            check_members(&hall, &model, seed, step);
        }
    }
}

fn take_step(dice: &mut Dice, hall: &mut Hall, model: &mut Model, step: usize) {
    let slot = u32::try_from(dice.below(CLIENTS as usize)).unwrap() + 1;
    let room = ROOMS[dice.below(ROOMS.len())];
    hall.pass_with_ticks(Duration::from_millis(dice.below(2_000) as u64));
    if !model.present.contains(&slot) {
        let door = [Door::Line, Door::Line, Door::Sealed][dice.below(3)];
        hall.open(slot, arrival(door, slot));
        match door {
            Door::Line => hall.line(slot, &format!("n{slot}")),
            Door::Sealed => hall.hello(slot, &format!("n{slot}")),
        }
        model.present.insert(slot);
        model.members.entry("#lobby").or_default().insert(slot);
        return;
    }
    let is_in = model.members.entry(room).or_default().contains(&slot);
    match dice.below(12) {
        0..4 if is_in => {
            let text = format!("text-{step}");
            say(hall, slot, &format!("/say {room} {text}"));
            model.under_way.push((room, slot, text));
        }
        4 | 5 => {
            let exists = hall.room(room).is_some();
            say(hall, slot, &format!("/join {room}"));
            say(hall, slot, &format!("/create {room}"));
            assert!(exists || hall.room(room).is_some() || owns_three(hall, slot));
            if hall.room(room).is_some() {
                model.members.entry(room).or_default().insert(slot);
            }
        }
        6 => {
            say(hall, slot, &format!("/leave {room}"));
            model.members.entry(room).or_default().remove(&slot);
        }
        7 => say(hall, slot, "/names"),
        8 => {
            let other = dice.below(CLIENTS as usize) + 1;
            if other != slot as usize {
                say(hall, slot, &format!("/ignore n{other}"));
            }
        }
        9 if dice.below(3) == 0 => {
            hall.close(slot, Parting::Left);
            model.go(slot);
        }
        _ => settle_one(dice, hall, model),
    }
}

fn say(hall: &mut Hall, slot: u32, line: &str) {
    // Either door takes a line as its user typed it.
    let key = MessageKey(hall.now.unix_ms ^ u64::from(slot) << 48 ^ line.len() as u64);
    let input = Input::Run(client(slot), key, line);
    assert_eq!(hall.input(input), Verdict::Taken, "{line}");
}

fn owns_three(hall: &mut Hall, slot: u32) -> bool {
    hall.hear(slot)
        .iter()
        .any(|words| words.contains("you own 3 rooms"))
}

/// The store answers the oldest job, well or badly; those who hear it are compared.
fn settle_one(dice: &mut Dice, hall: &mut Hall, model: &mut Model) {
    if hall.jobs.is_empty() {
        assert!(model.under_way.is_empty());
        return;
    }
    let (room, author, text) = model.under_way.remove(0);
    for slot in 1..=CLIENTS {
        hall.hear(slot);
    }
    let is_stored = dice.below(4) > 0;
    if is_stored {
        hall.answer();
    } else {
        hall.fail();
    }
    let audience = model.members.get(room).cloned().unwrap_or_default();
    for slot in 1..=CLIENTS {
        let words = format!("[{room}] n{author}: {text}");
        let heard = hall
            .hear(slot)
            .iter()
            .filter(|heard| **heard == words)
            .count();
        let expected = is_stored && slot != author && audience.contains(&slot);
        assert_eq!(heard, usize::from(expected), "{words} at {slot}");
    }
}

impl Model {
    fn go(&mut self, slot: u32) {
        self.present.remove(&slot);
        for members in self.members.values_mut() {
            members.remove(&slot);
        }
    }
}

fn check_members(hall: &Hall, model: &Model, seed: u64, step: usize) {
    for (name, members) in &model.members {
        let actual = hall.room(name).map(|room| &hall.members[&room]);
        let actual: BTreeSet<u32> = actual
            .into_iter()
            .flatten()
            .map(|client| client.slot)
            .collect();
        assert_eq!(&actual, members, "{name} seed {seed} step {step}");
    }
}
