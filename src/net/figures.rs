//! Figures: how the server is doing, for programs and in words.

use super::server::Server;
use super::turns::Longest;
use crate::chat::Door;
use std::fmt::Write;
use std::time::Duration;

/// How a figure is to be understood.
#[derive(Clone, Copy)]
enum Sort {
    /// It only grows.
    Counter,
    /// It is what it is at this moment.
    Gauge,
}

/// The text that Prometheus reads, while it is written.
struct Page(String);

impl Page {
    fn about(&mut self, name: &str, sort: Sort, help: &str) {
        let sort = match sort {
            Sort::Counter => "counter",
            Sort::Gauge => "gauge",
        };
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {sort}\n"));
    }

    /// One figure of its own.
    fn one(&mut self, name: &str, sort: Sort, help: &str, value: u64) {
        self.about(name, sort, help);
        self.push(format_args!("{name} {value}\n"));
    }

    /// One figure for each word; all words are ours.
    fn by<'a>(
        &mut self,
        (name, label): (&str, &str),
        sort: Sort,
        help: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.about(name, sort, help);
        for (word, value) in values {
            self.push(format_args!("{name}{{{label}=\"{word}\"}} {value}\n"));
        }
    }

    fn turn(&mut self, name: &str, help: &str, longest: Longest) {
        self.about(name, Sort::Gauge, help);
        let (phase, seconds) = (longest.phase.word(), longest.took.as_secs_f64());
        self.push(format_args!("{name}{{phase=\"{phase}\"}} {seconds}\n"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.0
            .write_fmt(text)
            .expect("writing to a string cannot fail");
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).expect("a count fits")
}

impl Server {
    /// Everything, as Prometheus reads it. What is the longest since the last time begins anew.
    pub(super) fn metrics_page(&mut self) -> String {
        let mut page = Page(String::new());
        let version = env!("CARGO_PKG_VERSION");
        let help = "Which program this is.";
        page.about("parlour_build_info", Sort::Gauge, help);
        page.push(format_args!(
            "parlour_build_info{{version=\"{version}\"}} 1\n"
        ));
        let (name, help) = ("parlour_uptime_seconds", "Time since the start.");
        let uptime = self.clock.elapsed().as_secs();
        page.one(name, Sort::Gauge, help, uptime);
        self.push_turns(&mut page);
        self.push_connections(&mut page);
        self.push_queues(&mut page);
        self.push_rooms(&mut page);
        page.0
    }

    fn push_turns(&mut self, page: &mut Page) {
        let turns = &mut self.operators.turns;
        let (name, help) = ("parlour_loop_turns_total", "Turns of the loop.");
        page.one(name, Sort::Counter, help, turns.count());
        page.turn(
            "parlour_loop_turn_longest_seconds",
            "The longest turn since the last scrape, and the phase that took most of it.",
            turns.take_recent(),
        );
        page.turn(
            "parlour_loop_turn_longest_ever_seconds",
            "The longest turn since the start, and the phase that took most of it.",
            turns.ever(),
        );
    }

    fn push_connections(&self, page: &mut Page) {
        let gauge = Sort::Gauge;
        let doors = [("sealed", Door::Sealed), ("line", Door::Line)]
            .map(|(word, door)| (word, count(self.counters.present(door))));
        let (name, help) = ("parlour_connections", "Connections, by door.");
        page.by((name, "door"), gauge, help, doors);
        let (unnamed, _) = self.admission.counts();
        let (name, help) = ("parlour_connections_unnamed", "Those without a name.");
        page.one(name, gauge, help, count(unnamed));
        let (name, help) = ("parlour_connections_max", "How many there may be.");
        page.one(name, gauge, help, count(self.connections.capacity()));
        let (name, help) = (
            "parlour_refusals_total",
            "Connections not let in, by reason.",
        );
        let refused = self.counters.refused();
        page.by((name, "reason"), Sort::Counter, help, refused);
        let (name, help) = (
            "parlour_closed_total",
            "Connections closed because something went wrong, by cause.",
        );
        page.by((name, "cause"), Sort::Counter, help, self.counters.closed());
    }

    fn push_queues(&self, page: &mut Page) {
        let (name, help) = (
            "parlour_queue_length",
            "What waits: writes for the journal, pages and searches for the reader, passwords \
             for their thread; connections for their rate, for the journal, for what is owed \
             to them, for a handshake.",
        );
        page.by((name, "queue"), Sort::Gauge, help, self.queue_lengths());
        let (name, help) = ("parlour_incomplete_bytes", "Bytes of begun messages.");
        page.one(name, Sort::Gauge, help, count(self.incomplete_bytes));
        let (name, help) = (
            "parlour_activity_lost_total",
            "Lines that the activity log had to leave out.",
        );
        page.one(name, Sort::Counter, help, self.operators.activity.lost());
        let (name, help) = ("parlour_password_hashes_total", "Passwords hashed.");
        page.one(name, Sort::Counter, help, self.passwords.hashes());
    }

    fn queue_lengths(&self) -> [(&'static str, u64); 7] {
        let usage = self.fanout.usage();
        let pages = usage.pages_asked + usage.pages_waiting;
        [
            ("journal", count(self.chat.journal_len())),
            ("reader", count(pages + self.chat.searches_len())),
            ("passwords", count(self.passwords.len())),
            ("paused", count(self.deadlines.paused_len())),
            ("journal-waiters", count(self.queues.journal.len())),
            ("owed", count(self.queues.owed.len())),
            ("handshakes", count(self.queues.handshakes.len())),
        ]
    }

    fn push_rooms(&self, page: &mut Page) {
        let (usage, traffic) = (self.fanout.usage(), self.fanout.traffic());
        let gauges = [
            ("parlour_rooms", "Rooms and inboxes.", count(usage.rooms)),
            (
                "parlour_log_bytes",
                "Bytes of all rooms' logs in memory.",
                count(usage.logs_bytes),
            ),
            (
                "parlour_unfinished_bytes",
                "Bytes of begun entries held beside the logs.",
                count(usage.unfinished_bytes),
            ),
            (
                "parlour_write_buffer_bytes",
                "Bytes of write buffers lent to slow readers.",
                count(usage.write_buffer_bytes),
            ),
            (
                "parlour_slow_readers",
                "Connections that do not accept what is owed to them.",
                count(traffic.blocked),
            ),
        ];
        for (name, help, value) in gauges {
            page.one(name, Sort::Gauge, help, value);
        }
        let (name, help) = ("parlour_published_total", "Entries that became visible.");
        page.one(name, Sort::Counter, help, traffic.published);
        let (name, help) = (
            "parlour_deliveries_total",
            "The same, times the members of the room at that moment.",
        );
        page.one(name, Sort::Counter, help, traffic.deliveries);
    }

    /// The main figures, in lines for a person.
    pub(super) fn stats_words(&self) -> String {
        let (usage, traffic) = (self.fanout.usage(), self.fanout.traffic());
        let (unnamed, named) = self.admission.counts();
        let ever = self.operators.turns.ever();
        let queues: Vec<String> = self
            .queue_lengths()
            .iter()
            .map(|(word, length)| format!("{word} {length}"))
            .collect();
        let words = |counts: Vec<(&str, u64)>| match counts.as_slice() {
            [] => "none".to_owned(),
            counts => counts
                .iter()
                .map(|(word, count)| format!("{word} {count}"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!(
            "parlourd {}, up {}\n\
             connections: {} sealed, {} line ({named} with a name, {unnamed} without), room for {}\n\
             refused: {}; closed for a fault: {}\n\
             loop: {} turns, the longest {:.1?}, mostly {} ({:.1?})\n\
             queues: {}; slow readers {}\n\
             rooms and inboxes: {}, their logs {} KiB; begun messages {} KiB\n\
             published {}, deliveries {}",
            env!("CARGO_PKG_VERSION"),
            span(self.clock.elapsed()),
            self.counters.present(Door::Sealed),
            self.counters.present(Door::Line),
            self.connections.capacity(),
            words(self.counters.refused().collect()),
            words(self.counters.closed().collect()),
            self.operators.turns.count(),
            ever.took,
            ever.phase.word(),
            ever.phase_took,
            queues.join(", "),
            traffic.blocked,
            usage.rooms,
            usage.logs_bytes / crate::limits::KIB,
            self.incomplete_bytes / crate::limits::KIB,
            traffic.published,
            traffic.deliveries,
        )
    }
}

/// A long time, in its two largest units.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}
