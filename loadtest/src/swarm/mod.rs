//! The swarm: all connections of a run, shared among threads.
//!
//! ```text
//! conductor --- Order ---> worker (one per thread): poll, connect, read, speak
//!     ^                       |
//!     +------- Board ---------+          and in the end a Harvest each
//! ```
//!
//! A worker owns its members alone; what threads must know of each other is on the [`Board`].

mod board;
mod connection;
mod crowd;
mod ears;
mod harvest;
mod voice;
mod window;
mod worker;

pub(crate) use board::{Board, Sums};
pub(crate) use harvest::Harvest;

use crate::clock::Clock;
use crate::plan::Plan;
use mio::{Poll, Waker};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use worker::Worker;

/// What the conductor tells the workers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Connect the members below this index that are not connected.
    Connect {
        /// The first that stays away.
        below: usize,
    },
    /// Speakers begin, their times counted from this one.
    Speak {
        /// When.
        begin: Duration,
    },
    /// Speakers fall silent.
    Hush,
    /// What is sent from this time on is timed, whenever it arrives.
    TimeFrom(Duration),
    /// What is sent from this time on is not.
    TimeUntil(Duration),
    /// All movers are cut off at once, and connect again.
    Scatter,
    /// All movers leave, and stay away.
    Depart,
    /// Movers that are away connect again, all at once, and so does who is cut off from now on.
    Return {
        /// Whether what comes is a return, timed from now; else it is a first arrival.
        is_timed: bool,
    },
    /// So many movers a second, in all, leave and come again.
    Churn {
        /// How many.
        per_second: f64,
    },
    /// Those who get stuck stop reading, or read on.
    Stick(bool),
    /// Say goodbye and end.
    Finish,
}

/// All connections of a run.
pub(crate) struct Swarm {
    threads: Vec<Thread>,
    board: Arc<Board>,
}

struct Thread {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    handle: JoinHandle<Harvest>,
}

impl Swarm {
    /// Starts the threads; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the system refuses a poll or a thread.
    pub(crate) fn start(plan: &Arc<Plan>, clock: Clock) -> io::Result<Self> {
        let board = Arc::new(Board::new(plan.threads_in_all(), plan.speakers()));
        let mut polls = Vec::new();
        for _ in 0..plan.threads_in_all() {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), worker::WAKE)?);
            polls.push((poll, waker));
        }
        let wakers: Arc<[Arc<Waker>]> = polls.iter().map(|(_, waker)| Arc::clone(waker)).collect();
        let mut threads = Vec::new();
        for (index, (poll, waker)) in polls.into_iter().enumerate() {
            let (orders, received) = channel();
            let worker = Worker::new(
                index,
                Arc::clone(plan),
                clock,
                Arc::clone(&board),
                poll,
                received,
                Arc::clone(&wakers),
            );
            let handle = std::thread::Builder::new()
                .name(format!("swarm-{index}"))
                .spawn(move || worker.run())?;
            threads.push(Thread {
                orders,
                waker,
                handle,
            });
        }
        Ok(Self { threads, board })
    }

    /// Tells all workers.
    pub(crate) fn order(&self, order: Order) {
        for thread in &self.threads {
            // A thread that has ended is found when it is joined.
            let _ = thread.orders.send(order);
            let _ = thread.waker.wake();
        }
    }

    /// What all threads show.
    pub(crate) fn sums(&self) -> Sums {
        self.board.sums()
    }

    /// The board itself.
    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Ends all connections and brings home what was counted.
    ///
    /// # Panics
    ///
    /// When a thread has: its counts are gone, and no figure would be right.
    pub(crate) fn finish(self) -> Harvest {
        self.order(Order::Finish);
        let mut harvest = Harvest::default();
        for thread in self.threads {
            harvest.add(&thread.handle.join().expect("a worker ends by itself"));
        }
        harvest
    }
}
