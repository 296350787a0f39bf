//! Ears: what becomes of everything the members of one thread hear.
//!
//! The one function that runs for every delivery is [`Ears::hear`]; what is slow or rare is kept
//! out of it.

use super::harvest::Harvest;
use super::window::Window;
use crate::latency::Latency;
use crate::ledger::{Account, Arrival, Since, Until};
use crate::link::Heard;
use crate::plan::{FileRole, Pace, Plan, Role};
use crate::stamp::{Reading, Stamp};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What is kept of a member while it listens, beside its connection.
pub(super) struct Listening {
    /// What it has heard.
    pub(super) account: Account,
    /// Index of its group.
    pub(super) group: u16,
    /// Its own number as a speaker.
    pub(super) speaker: Option<u16>,
    /// How it behaves.
    pub(super) role: Role,
    /// Whether it authenticates what it hears.
    pub(super) verifies: bool,
    /// What it does with files.
    pub(super) files: FileRole,
    /// Messages of its own that were acknowledged since this was last looked at.
    pub(super) stored: u32,
    /// Whether its session goes on from an earlier connection.
    pub(super) goes_on: bool,
    /// Whether it has joined since this was last looked at.
    pub(super) joined: bool,
}

/// What one thread's members hear.
pub(super) struct Ears {
    plan: Arc<Plan>,
    /// Per speaker; only those of closed loops are used.
    windows: Vec<Window>,
    /// Per group: whether its loop is closed.
    is_closed: Vec<bool>,
    /// Speakers whose window has moved on since this was last looked at.
    pub(super) moved: Vec<u16>,
    /// Between which times what is sent is timed.
    pub(super) timed: Option<Range<Duration>>,
    /// Messages received.
    pub(super) heard: u64,
    /// Of those, the ones received by members that stay.
    pub(super) heard_by_staying: u64,
    /// Messages that the server said would not come.
    pub(super) announced: u64,
    /// When the last one came.
    pub(super) heard_at: Duration,
    /// Bytes of files received.
    pub(super) file_bytes: u64,
    /// Files that have come, or go no further.
    pub(super) files: u64,
    /// Of those, the ones that are not what was sent.
    pub(super) files_wrong: u64,
    /// What is counted.
    pub(super) harvest: Harvest,
}

impl Ears {
    /// Ears for the members in `local`, indices into the plan.
    pub(super) fn new(plan: &Arc<Plan>, local: &[usize]) -> Self {
        let mut listeners = vec![0_u32; plan.groups.len()];
        let mut deaf_to_self = vec![0_u32; plan.speakers()];
        for &index in local {
            let member = &plan.members[index];
            if member.role == Role::Steady {
                listeners[usize::from(member.group)] += 1;
                if let Some(speaker) = member.speaker.filter(|_| !plan.protocol.echoes()) {
                    deaf_to_self[usize::from(speaker)] += 1;
                }
            }
        }
        let mut windows: Vec<Window> = Vec::new();
        for (group, &listeners) in plan.groups.iter().zip(&listeners) {
            for speaker in group.speakers.clone() {
                let deaf = deaf_to_self[usize::from(speaker)];
                windows.push(Window::new(listeners - deaf));
            }
        }
        let is_closed = |pace| matches!(pace, Pace::Closed { .. });
        Self {
            plan: Arc::clone(plan),
            windows,
            is_closed: plan
                .groups
                .iter()
                .map(|group| is_closed(group.pace))
                .collect(),
            moved: Vec::new(),
            timed: None,
            heard: 0,
            heard_by_staying: 0,
            announced: 0,
            heard_at: Duration::ZERO,
            file_bytes: 0,
            files: 0,
            files_wrong: 0,
            harvest: Harvest::default(),
        }
    }

    /// How many of a speaker's messages everybody here has.
    pub(super) fn complete(&self, speaker: u16) -> u32 {
        self.windows[usize::from(speaker)].complete()
    }

    /// Stops timing what is sent from `end` on.
    pub(super) fn end_timing(&mut self, end: Duration) {
        if let Some(timed) = &mut self.timed {
            timed.end = end;
        }
    }

    /// Keeps what was timed so far apart, and times nothing until told to.
    pub(super) fn set_aside(&mut self) {
        self.timed = None;
        let calm = std::mem::take(&mut self.harvest.latency);
        self.harvest.apart.add(&calm.total());
        self.harvest.carrying = Latency::default();
    }

    /// Whether what is sent at that time is timed.
    pub(super) fn is_timed(&self, at: Duration) -> bool {
        self.timed.as_ref().is_some_and(|timed| timed.contains(&at))
    }

    /// A member hears something at `now`.
    pub(super) fn hear(&mut self, listening: &mut Listening, heard: Heard<'_>, now: Duration) {
        match heard {
            Heard::Said(text) => match Stamp::read(text, self.plan.size) {
                Reading::Stamped(stamp) if stamp.run == self.plan.run => {
                    self.enter(listening, stamp, now);
                }
                Reading::Corrupt => self.harvest.ledger.corrupt += 1,
                Reading::Stamped(_) | Reading::Foreign => {}
            },
            Heard::Stored => listening.stored += 1,
            Heard::Asked => self.harvest.asked += 1,
            Heard::Resumed(goes_on) => {
                listening.goes_on = goes_on;
                if !goes_on {
                    self.harvest.resumes_refused += 1;
                    self.begin_anew(listening);
                }
            }
            Heard::Joined => listening.joined = true,
            Heard::Missed(count) => {
                self.announced += count;
                listening.account.announce_missing(count);
            }
            Heard::Refused(why) => self.harvest.note_refusal(why),
            Heard::Piece(bytes) => {
                self.file_bytes += u64::try_from(bytes).expect("usize fits u64");
            }
            Heard::File(is_same) => {
                self.files += 1;
                self.files_wrong += u64::from(!is_same);
            }
        }
    }

    fn enter(&mut self, listening: &mut Listening, stamp: Stamp, now: Duration) {
        let arrival = listening.account.note(stamp.speaker, stamp.number);
        match arrival {
            Some(Arrival::InOrder | Arrival::AfterGap(_)) => {}
            Some(Arrival::Late) => self.harvest.ledger.out_of_order += 1,
            Some(Arrival::Duplicate) => {
                self.harvest.ledger.duplicates += 1;
                return;
            }
            None => {
                self.harvest.ledger.stray += 1;
                return;
            }
        }
        self.heard += 1;
        self.harvest.authenticated += u64::from(listening.verifies);
        self.heard_by_staying += u64::from(listening.role != Role::Mover);
        self.heard_at = now;
        let group = usize::from(listening.group);
        if listening.role == Role::Steady {
            if self.is_closed[group] && self.windows[usize::from(stamp.speaker)].note(stamp.number)
            {
                self.moved.push(stamp.speaker);
            }
            if let Some(timed) = self
                .timed
                .as_ref()
                .filter(|timed| timed.contains(&stamp.at))
            {
                let begin = timed.start;
                let time = now.saturating_sub(stamp.at);
                // Whoever carries one is as late as this side's work with it makes it.
                if listening.files != FileRole::None {
                    self.harvest.carrying.record(time);
                } else if self.plan.groups[group].apart {
                    self.harvest.apart.record(time);
                } else {
                    self.harvest.latency.record(now - begin, time);
                }
            }
        }
    }

    /// A member's stay has ended, and what was owed to it: what is said until it hears something
    /// again is not.
    pub(super) fn begin_anew(&mut self, listening: &mut Listening) {
        let group = &self.plan.groups[usize::from(listening.group)];
        let fresh = Account::open(group.speakers.clone(), Since::FirstHeard);
        let account = std::mem::replace(&mut listening.account, fresh);
        account.settle(|_| Until::LastHeard, &mut self.harvest.ledger);
    }

    /// A steady listener is gone: nobody waits for it any more.
    pub(super) fn lose(&mut self, listening: &Listening) {
        let group = &self.plan.groups[usize::from(listening.group)];
        for speaker in group.speakers.clone() {
            let hears_it = listening.speaker != Some(speaker) || self.plan.protocol.echoes();
            let next = listening.account.next_of(speaker);
            if hears_it && self.windows[usize::from(speaker)].remove_listener(next) {
                self.moved.push(speaker);
            }
        }
    }

    /// Gives up what nobody is bringing any more, of all speakers.
    pub(super) fn write_off(&mut self, said: impl Fn(u16) -> u32) {
        for (speaker, window) in (0..).zip(&mut self.windows) {
            if window.write_off(said(speaker)) {
                self.moved.push(speaker);
            }
        }
    }
}
