//! Plans: who connects, to which rooms, and who speaks how often.
//!
//! A scenario makes a plan before anything is connected; the swarm carries it out. Members are
//! numbered through all groups, in the order in which they connect.

use crate::link::{Account, Persona, Protocol};
use crate::source::Sources;
use parlour::crypto::fingerprint::Fingerprint;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Everything the swarm must know.
pub(crate) struct Plan {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// Where the server is.
    pub(crate) server: SocketAddr,
    /// Who the server must be, if that is known.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// From where connections are made.
    pub(crate) sources: Sources,
    /// Marks this run's messages.
    pub(crate) run: u16,
    /// Bytes of a message.
    pub(crate) size: usize,
    /// How connections are made.
    pub(crate) connecting: Connecting,
    /// Rooms and what goes on in them.
    pub(crate) groups: Vec<Group>,
    /// Everybody.
    pub(crate) members: Vec<Member>,
    /// Bytes a second that those who get stuck still read, each; none when absent.
    pub(crate) read_rate: Option<u32>,
    /// Threads that share the members; who watches has one more.
    pub(crate) threads: usize,
    /// For what is drawn by lot.
    pub(crate) seed: u64,
}

/// How connections are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connecting {
    /// Not joined yet at once, in all threads together.
    pub(crate) in_flight_max: usize,
    /// New ones per second; as fast as they join when absent.
    pub(crate) per_second: Option<f64>,
    /// How long one may take to join.
    pub(crate) timeout: Duration,
}

/// A room, and what goes on in it.
pub(crate) struct Group {
    /// Its name; the lobby when absent.
    pub(crate) room: Option<Arc<str>>,
    /// The numbers of those who speak there.
    pub(crate) speakers: Range<u16>,
    /// When they do.
    pub(crate) pace: Pace,
    /// How many messages they say at most, all together.
    pub(crate) messages_max: u32,
    /// Whether its latencies are kept apart from the others'.
    pub(crate) apart: bool,
}

/// When a group's speakers speak.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Pace {
    /// Never.
    Silent,
    /// Closed loop: each has at most so many messages that somebody still lacks.
    Closed {
        /// So many.
        window: u32,
    },
    /// Open loop: at fixed times, whatever has become of earlier ones.
    Open {
        /// Messages of all speakers of the group together.
        per_second: f64,
    },
}

/// One connection to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Index of its group.
    pub(crate) group: u16,
    /// Its number as a speaker, if it is one.
    pub(crate) speaker: Option<u16>,
    /// How it behaves.
    pub(crate) role: Role,
    /// Whether it makes its group's room.
    pub(crate) founds: bool,
    /// Whether it watches what others do to it: then it must not wait for their share of this
    /// side's work, and lives on a thread of its own.
    pub(crate) watches: bool,
    /// Whether it authenticates every record, where records are.
    pub(crate) verifies: bool,
    /// How it proves who it is, if it has an account.
    pub(crate) account: Option<Proof>,
}

/// How who has an account proves it when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// By its password.
    Password,
    /// By a key that it enrolled.
    Key,
}

/// How a member behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Stays and reads at once.
    Steady,
    /// Comes and goes when told to.
    Mover,
    /// Is cut off when told to, and comes back to its session: it is owed what was said meanwhile.
    Returning,
    /// Stays, but stops reading, or reads slowly, when told to. If the server gives it up, it comes
    /// back to its session.
    Stuck,
    /// Only speaks, where who listens cannot.
    Publisher,
}

impl Plan {
    /// Who member `index` is, with the account it has.
    pub(crate) fn persona(&self, index: usize, name: u32, account: Option<Account>) -> Persona {
        let member = &self.members[index];
        Persona {
            number: name,
            account,
            repeats: member.role == Role::Returning && member.speaker.is_some(),
            room: self.groups[usize::from(member.group)].room.clone(),
            founds: member.founds,
            publishes: member.role == Role::Publisher,
        }
    }

    /// How many threads there are in all.
    pub(crate) fn threads_in_all(&self) -> usize {
        self.threads + usize::from(self.members.iter().any(|member| member.watches))
    }

    /// The members that live on a thread.
    pub(crate) fn members_of(&self, thread: usize) -> Vec<usize> {
        let lives_there = |(index, member): &(usize, &Member)| {
            let home = if member.watches {
                self.threads
            } else {
                index % self.threads
            };
            home == thread
        };
        let members = self.members.iter().enumerate().filter(lives_there);
        members.map(|(index, _)| index).collect()
    }

    /// Draws who does not verify, by the seed: all but `verifying` of the members.
    pub(crate) fn draw_verifiers(&mut self, verifying: usize) {
        let mut drawn: Vec<(u64, usize)> = (0..self.members.len())
            .map(|index| (lot(self.seed, index), index))
            .collect();
        drawn.sort_unstable();
        for (_, index) in drawn.into_iter().skip(verifying) {
            self.members[index].verifies = false;
        }
    }

    /// How many members verify, if there are records to authenticate.
    pub(crate) fn verifiers(&self) -> Option<usize> {
        let verifying = || self.members.iter().filter(|member| member.verifies);
        self.protocol.has_records().then(|| verifying().count())
    }

    /// How many speakers there are in all.
    pub(crate) fn speakers(&self) -> usize {
        self.groups.iter().map(|group| group.speakers.len()).sum()
    }

    /// Whether any group speaks in a closed loop.
    pub(crate) fn is_closed_loop(&self) -> bool {
        self.groups
            .iter()
            .any(|group| matches!(group.pace, Pace::Closed { .. }))
    }
}

/// The lot that member `index` draws: spread evenly, the same for the same seed.
fn lot(seed: u64, index: usize) -> u64 {
    let index = u64::try_from(index).expect("members are bounded");
    // Multiplying by odd constants and folding the high half down mixes every bit into every other.
    let mut mixed = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for _ in 0..3 {
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_repeatable_differ_by_seed_and_favour_nobody() {
        let verifying = |seed| {
            let mut drawn: Vec<(u64, usize)> =
                (0..10_000).map(|index| (lot(seed, index), index)).collect();
            drawn.sort_unstable();
            let first: Vec<usize> = drawn.iter().take(1_000).map(|(_, index)| *index).collect();
            first
        };
        assert_eq!(verifying(1), verifying(1));
        assert_ne!(verifying(1), verifying(2));
        let first_half = verifying(1).iter().filter(|index| **index < 5_000).count();
        assert!((400..600).contains(&first_half), "{first_half}");
        let even = verifying(1).iter().filter(|index| *index % 2 == 0).count();
        assert!((400..600).contains(&even), "{even}");
    }
}
