//! Goal: nobody can keep others from logging in, and nobody waits for what nobody wants any more.
//! Method: the queue by itself; and the thread with work that the test lets through job by job.

use super::*;
use crate::chat::{Secret, Token};
use crate::limits::{PASSWORD_JOBS_MAX, PASSWORD_JOBS_PER_SOURCE_MAX};
use mio::{Events, Poll};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long a test waits for the thread before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn job(number: u32, source: IpAddr) -> PasswordJob {
    PasswordJob {
        ticket: Ticket(number.into()),
        client: client(number),
        source,
        password: Secret::new("password"),
        task: PasswordTask::Check(None),
        token: Token([0; 16]),
    }
}

fn client(slot: u32) -> ClientId {
    ClientId {
        slot,
        generation: 0,
    }
}

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

fn push(queue: &mut Queue, number: u32, from: u8) -> bool {
    let source = address(from);
    queue.push(job(number, source), Source::of(source), 0, false)
}

fn order(queue: &mut Queue) -> Vec<u64> {
    std::iter::from_fn(|| queue.pop())
        .map(|job| job.ticket.0)
        .collect()
}

#[test]
fn sources_take_turns_and_each_keeps_its_order() {
    let mut queue = Queue::default();
    for number in 0..4 {
        assert!(push(&mut queue, number, 1));
    }
    assert!(push(&mut queue, 10, 2));
    assert!(push(&mut queue, 20, 3));
    assert!(push(&mut queue, 11, 2));
    assert_eq!(order(&mut queue), [0, 10, 20, 1, 11, 2, 3]);
}

#[test]
fn whoever_comes_back_is_behind_those_who_wait() {
    let mut queue = Queue::default();
    assert!(push(&mut queue, 0, 1));
    assert!(push(&mut queue, 10, 2));
    assert_eq!(queue.pop().unwrap().ticket, Ticket(0));
    assert!(push(&mut queue, 1, 1));
    assert!(push(&mut queue, 20, 3));
    assert_eq!(order(&mut queue), [10, 1, 20]);
}

#[test]
fn one_source_has_only_so_many_and_one_client_only_one() {
    let mut queue = Queue::default();
    let most = u32::try_from(PASSWORD_JOBS_PER_SOURCE_MAX).unwrap();
    for number in 0..most {
        assert!(push(&mut queue, number, 1));
    }
    assert!(!push(&mut queue, most, 1));
    assert!(push(&mut queue, most, 2), "others have room");
    assert!(!push(&mut queue, most, 3), "but not the same client");
    let source = address(1);
    assert!(
        queue.push(job(99, source), Source::of(source), 0, true),
        "a trusted source may have more"
    );
    assert_eq!(queue.pop().unwrap().ticket, Ticket(0));
    let is_taken = queue.push(job(100, source), Source::of(source), 1, false);
    assert!(!is_taken, "what is under way counts");
}

#[test]
fn neighbours_in_one_ipv6_network_are_one_source() {
    let mut queue = Queue::default();
    for number in 0..9 {
        let host = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::try_from(number).unwrap());
        let source = Source::of(host.into());
        let is_taken = queue.push(job(number, host.into()), source, 0, false);
        assert_eq!(
            is_taken,
            usize::try_from(number).unwrap() < PASSWORD_JOBS_PER_SOURCE_MAX
        );
    }
}

#[test]
fn all_together_have_only_so_many() {
    let mut queue = Queue::default();
    let most = u32::try_from(PASSWORD_JOBS_MAX).unwrap();
    let from = |number: u32| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number));
    for number in 0..=most {
        let source = Source::of(from(number));
        let is_taken = queue.push(job(number, from(number)), source, 0, true);
        assert_eq!(is_taken, number < most, "{number}");
    }
}

#[test]
fn what_nobody_waits_for_any_more_is_dropped() {
    let mut queue = Queue::default();
    for number in 0..3 {
        assert!(push(&mut queue, number, 1));
    }
    assert!(push(&mut queue, 10, 2));
    for (gone, had) in [(1, true), (10, true), (77, false)] {
        assert_eq!(queue.forget(client(gone)).is_some(), had);
    }
    assert!(push(&mut queue, 11, 2), "its place is free again");
    assert_eq!(order(&mut queue), [0, 11, 2]);
}

/// A password thread whose work waits for the test's word.
struct Gated {
    poll: Poll,
    // Dropped before the thread is waited for, or it would wait for a word that never comes.
    gate: Sender<()>,
    passwords: Passwords,
}

impl Gated {
    fn start() -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (gate, word) = channel();
        let work = move |job: PasswordJob| {
            // Without a word when the test is over.
            let _ = word.recv();
            refusal(job.ticket, Refusal::WrongPassword)
        };
        let passwords = Passwords::start_with(waker, work).unwrap();
        Self {
            poll,
            gate,
            passwords,
        }
    }

    fn submit(&mut self, number: u32, from: u8) {
        self.passwords.submit(job(number, address(from)), false);
        self.passwords.hand_over().unwrap();
    }

    /// The next outcome: whose, which, and whether it was refused without work.
    fn next(&mut self) -> (u32, u64, bool) {
        let mut events = Events::with_capacity(4);
        loop {
            if let Some((client, outcome)) = self.passwords.next_outcome().unwrap() {
                self.passwords.hand_over().unwrap();
                let Outcome::PasswordRefused { ticket, why } = outcome else {
                    panic!("{outcome:?}");
                };
                return (client.slot, ticket.0, why == Refusal::Busy);
            }
            self.poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "the loop was not woken");
        }
    }
}

#[test]
fn a_source_that_floods_delays_another_by_what_is_under_way() {
    let mut gated = Gated::start();
    for number in 0..4 {
        gated.submit(number, 1);
    }
    gated.submit(10, 2);
    for _ in 0..5 {
        gated.gate.send(()).unwrap();
    }
    let order: Vec<_> = (0..5).map(|_| gated.next().1).collect();
    assert_eq!(order, [0, 1, 2, 10, 3]);
}

#[test]
fn a_refusal_comes_at_once_and_names_the_job() {
    let mut gated = Gated::start();
    for number in 0..5 {
        gated.submit(number, 1);
    }
    assert!(gated.passwords.has_refused());
    assert_eq!(gated.next(), (4, 4, true));
    gated.submit(0, 2);
    assert_eq!(gated.next(), (0, 0, true), "one for each client");
    assert!(!gated.passwords.has_refused());
    gated.gate.send(()).unwrap();
    assert_eq!(gated.next(), (0, 0, false));
}

#[test]
fn who_left_is_not_hashed_for_unless_it_has_begun() {
    let mut gated = Gated::start();
    for number in 0..4 {
        gated.submit(number, 1);
    }
    for gone in 0..3 {
        gated.passwords.forget(client(gone));
    }
    assert_eq!(gated.next(), (2, 2, true), "each job is answered");
    for _ in 0..3 {
        gated.gate.send(()).unwrap();
    }
    let order: Vec<_> = (0..3).map(|_| gated.next()).collect();
    assert_eq!(order, [(0, 0, false), (1, 1, false), (3, 3, false)]);
}

#[test]
fn a_thread_that_dies_is_noticed() {
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
    let mut passwords = Passwords::start_with(waker, |_| panic!("as planned")).unwrap();
    passwords.submit(job(0, address(1)), false);
    passwords.hand_over().unwrap();
    let (mut poll, mut events) = (poll, Events::with_capacity(4));
    poll.poll(&mut events, Some(PATIENCE)).unwrap();
    assert!(!events.is_empty(), "the loop was not woken");
    assert!(passwords.next_outcome().is_err());
}

#[test]
fn passwords_are_hashed_compared_and_refused() {
    let mut hasher = Hasher::new();
    let mut answer = |password: &str, task: PasswordTask| {
        let password = Secret::new(password);
        let job = PasswordJob {
            password,
            task,
            ..job(7, address(1))
        };
        carry_out(&job, &mut hasher)
    };
    let Outcome::Hashed { ticket, hash, .. } = answer("s\u{e9}same", PasswordTask::Hash) else {
        panic!("it was to be hashed");
    };
    assert_eq!(ticket, Ticket(7));
    for (typed, expected) in [
        ("se\u{301}same", true),
        ("sesame", false),
        ("", false),
        (&"x".repeat(PASSWORD_BYTES_MAX + 1), false),
    ] {
        let outcome = answer(typed, PasswordTask::Check(Some(hash.clone())));
        let Outcome::Checked {
            is_right, rehash, ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!((is_right, rehash), (expected, None), "{typed}");
    }
    let outcome = answer("", PasswordTask::Hash);
    let Outcome::PasswordRefused { why, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        why,
        Refusal::BadPassword {
            max: PASSWORD_BYTES_MAX
        }
    );
}

#[test]
fn a_weak_hash_is_made_anew_when_the_password_is_right() {
    // `password`, as the reference implementation hashes it with a salt of eight bytes.
    let weak = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let task = PasswordTask::Check(Some(PasswordHash(weak.into())));
    let job = PasswordJob {
        task,
        ..job(1, address(1))
    };
    let mut hasher = Hasher::new();
    let Outcome::Checked {
        is_right: true,
        rehash: Some(hash),
        ..
    } = carry_out(&job, &mut hasher)
    else {
        panic!("it is right and weak");
    };
    let password = Password::new("password").unwrap();
    let checked = hasher.check(&password, Some(&hash.0));
    assert_eq!(checked, Checked::Right);
}
