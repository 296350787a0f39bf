//! Options: what is asked for, by the names load tests have everywhere.
//!
//! All options are known to all scenarios and may stand before or after the scenario's name. What
//! is absent gets the scenario's own default.

use crate::Mistake;
use crate::spawn::Keeping;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};
use parlour::crypto::record::Suite;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Load test and checker for a Parlour server.
///
/// Without a scenario it starts a server and gives a picture of this machine in half a minute.
/// Every message is numbered and timed, and every receiver decrypts, checks and counts all it gets.
#[derive(Parser, Clone, Debug)]
#[command(name = "loadtest", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) scenario: Option<Scenario>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What to do.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Scenario {
    /// Hold connections that do nothing: memory and processor time of each, one message to all
    Idle(Target),
    /// Everybody in one room, some speak: rate, latency, processor time per delivery
    Fanout(Target),
    /// Full logins: how many a second, processor time of each
    Connect(Target),
    /// All but a few reconnect at once: how long until all are back, what the others notice
    Storm(Target),
    /// Some leave and come again all the time, others stay and listen
    Churn(Target),
    /// Many small rooms
    Rooms(Target),
    /// A share of the members stops reading for a while: what the others notice, who loses what
    Slow(Target),
    /// A room of two beside a saturated one
    Isolation(Target),
    /// Accounts log in by password, all at once, while a room talks: how long until all are in
    Logins,
    /// Everybody has an account and a key, and the server starts anew: how long until all are back
    Restart,
    /// The floor: what this machine allows a server that does nothing but copy
    Calibrate,
    #[command(hide = true)]
    FloorServer,
}

/// Which server.
#[derive(Args, Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    /// HOST:PORT or parlour://HOST:PORT#FINGERPRINT; without it a server is started
    pub(crate) address: Option<String>,
}

/// Which of a server's doors.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    /// Encrypted.
    Sealed,
    /// Plain lines of text.
    Line,
}

/// Which cipher suite.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SuiteNumber {
    /// AES-256-CTR with HMAC-SHA-256.
    #[value(name = "1")]
    CtrHmac,
    /// AES-256-GCM.
    #[value(name = "2")]
    Gcm,
}

impl SuiteNumber {
    /// The suite it stands for.
    pub(crate) const fn as_suite(self) -> Suite {
        match self {
            Self::CtrHmac => Suite::CtrHmac,
            Self::Gcm => Suite::Gcm,
        }
    }
}

/// Everything else.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Load")]
pub(crate) struct Options {
    /// Connections
    #[arg(short = 'c', long, global = true, value_name = "N")]
    pub(crate) connections: Option<usize>,
    /// Members of the room, or of each room; the same as -c where there is one room
    #[arg(long, global = true, value_name = "N")]
    pub(crate) members: Option<usize>,
    /// How many of the members of a room speak
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub(crate) senders: u16,
    /// Messages per second of all senders together, at fixed times (open loop)
    #[arg(
        short = 'R',
        long,
        global = true,
        value_name = "RATE",
        conflicts_with = "window"
    )]
    pub(crate) rate: Option<f64>,
    /// Messages each sender may have that somebody still lacks (closed loop) [default: 64]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) window: Option<u32>,
    /// Bytes of a message, at least 32
    #[arg(
        short = 's',
        long,
        global = true,
        value_name = "BYTES",
        default_value_t = 64
    )]
    pub(crate) size: usize,
    /// How long to measure: 10, 500ms, 2m
    #[arg(short = 'd', long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// How long to go on before measuring begins
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration, default_value = "2s")]
    pub(crate) warmup: Duration,
    /// Messages to send; then the run ends, however early
    #[arg(short = 'n', long, global = true, value_name = "N")]
    pub(crate) count: Option<u32>,
    /// New connections per second [default: as fast as they join]
    #[arg(long, global = true, value_name = "RATE")]
    pub(crate) conn_rate: Option<f64>,
    /// Connections on their way at once
    #[arg(long, global = true, value_name = "N", default_value_t = 64)]
    pub(crate) conn_parallel: usize,
    /// Of 100 members, how many move or get stuck, where some do
    #[arg(long, global = true, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub(crate) share: Option<u8>,
    /// How long those who get stuck do not read
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub(crate) stuck: Duration,
    /// Bytes a second that those still read, each, instead of none: 500, 1k, 2M
    #[arg(long, global = true, value_name = "RATE", value_parser = parse_bytes)]
    pub(crate) read_rate: Option<u32>,
    /// In storm: come again with a new name and a new session, instead of going on with the old
    #[arg(long, global = true)]
    pub(crate) fresh: bool,
    /// In restart: kill the server, instead of asking it to stop
    #[arg(long, global = true)]
    pub(crate) kill: bool,
    /// Members that leave and come again per second, in churn
    #[arg(long, global = true, value_name = "RATE", default_value_t = 50.0)]
    pub(crate) moves: f64,
    /// For what is drawn by lot
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Whose records are authenticated: `all`, or of so many of 100 receivers, drawn by --seed. The
    /// others decrypt and check the messages, but not the records' tags
    #[arg(long, global = true, value_name = "all|N%", value_parser = parse_verify, default_value = "all", help_heading = "Server")]
    pub(crate) verify: Verify,
    /// Which door
    #[arg(long, global = true, value_enum, default_value_t = Door::Sealed, help_heading = "Server")]
    pub(crate) door: Door,
    /// Which cipher suite, at the sealed door
    #[arg(long, global = true, value_enum, default_value_t = SuiteNumber::Gcm, help_heading = "Server")]
    pub(crate) suite: SuiteNumber,
    /// Start `parlourd --ephemeral`, and stop it afterwards; this is so when no address is given
    #[arg(long, global = true, help_heading = "Server")]
    pub(crate) spawn: bool,
    /// Let the server that is started store what is said, in a folder of this run in $TMPDIR
    #[arg(long, global = true, help_heading = "Server")]
    pub(crate) store: bool,
    /// Let it store what is said in this folder, which stays
    #[arg(long, global = true, value_name = "DIR", help_heading = "Server")]
    pub(crate) data: Option<PathBuf>,
    /// The server to start [default: beside this program, else in PATH]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Server")]
    pub(crate) parlourd: Option<PathBuf>,
    /// Put the same load on another kind of server: redis://HOST:PORT or irc://HOST:PORT
    #[arg(long, global = true, value_name = "URL", help_heading = "Server")]
    pub(crate) against: Option<String>,
    /// The process of a server on this machine that was not started here, to watch what it uses
    #[arg(long, global = true, value_name = "PID", help_heading = "Server")]
    pub(crate) server_pid: Option<u32>,
    /// Allow a server that is not on this machine. Only with its operator's consent
    #[arg(long, global = true, help_heading = "Server")]
    pub(crate) remote: bool,
    /// Leave the floor out that a closed loop is compared with
    #[arg(long, global = true, help_heading = "Server")]
    pub(crate) no_floor: bool,

    /// What must hold, such as 'p99<50ms' or 'lost==0'; else the exit code is 1
    #[arg(
        long = "assert",
        global = true,
        value_name = "CONDITION",
        help_heading = "Report"
    )]
    pub(crate) assertions: Vec<String>,
    /// Write all figures to this file, as JSON
    #[arg(long, global = true, value_name = "FILE", help_heading = "Report")]
    pub(crate) json: Option<PathBuf>,
    /// Write all figures to this file, as comma-separated values
    #[arg(long, global = true, value_name = "FILE", help_heading = "Report")]
    pub(crate) csv: Option<PathBuf>,
    /// Draw latency by percentile, and rate and latency over time, to this SVG file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Report")]
    pub(crate) plot: Option<PathBuf>,

    /// Threads that make the load
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 1,
        help_heading = "This side"
    )]
    pub(crate) threads: usize,
    /// Processors for a server started here and for the load, such as 0,1
    #[arg(long, global = true, value_name = "SERVER,LOAD", value_parser = parse_pin, help_heading = "This side")]
    pub(crate) pin: Option<Pin>,
    /// Addresses to connect from, separated by commas [default on loopback: all over 127.0.0.0/8]
    #[arg(
        long,
        global = true,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "This side"
    )]
    pub(crate) source_ip: Vec<IpAddr>,
}

/// Of 100 receivers, how many check the tag of each record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verify(u8);

impl Verify {
    /// How many that is of `receivers`; rounded up, so that a share above none is never none.
    pub(crate) const fn of(self, receivers: usize) -> usize {
        (receivers * self.0 as usize).div_ceil(100)
    }
}

/// Which processors are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pin {
    /// For a server started here.
    pub(crate) server: usize,
    /// For the load.
    pub(crate) load: usize,
}

impl Options {
    /// How many connections there are in one room.
    pub(crate) fn members_or(&self, default: usize) -> usize {
        self.members.or(self.connections).unwrap_or(default)
    }

    /// What a server that is started here keeps.
    pub(crate) fn keeping(&self) -> Keeping {
        match &self.data {
            Some(folder) => Keeping::In(folder.clone()),
            None if self.store => Keeping::ForTheRun,
            None => Keeping::Nothing,
        }
    }

    /// Checks what no single option can.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that says what to change.
    pub(crate) fn check(&self) -> Result<(), Mistake> {
        let mistake = |words: &str| Err(Mistake(words.to_owned()));
        let rates = [self.rate, self.conn_rate, Some(self.moves)];
        if rates
            .iter()
            .flatten()
            .any(|rate| !rate.is_finite() || *rate <= 0.0)
        {
            return mistake("a rate is a number above 0; to send nothing, use `idle`");
        }
        if self.senders == 0 {
            return mistake("--senders 0 says nothing; to hold connections, use `idle`");
        }
        if self.threads == 0 || self.conn_parallel == 0 {
            return mistake("--threads and --conn-parallel are 1 or more");
        }
        if self.window == Some(0) {
            return mistake("--window 0 would never send; 1 sends one message at a time");
        }
        if self.store && self.data.is_some() {
            return mistake("--data DIR stores already; leave --store out");
        }
        if [self.connections, self.members].contains(&Some(0)) {
            return mistake("-c 0 has nobody to test with");
        }
        Ok(())
    }
}

/// Which scenarios use an option, for those that not all use; without a scenario it is the picture.
const USED_BY: [(&str, &str); 24] = [
    (
        "size",
        "picture idle fanout storm churn rooms slow isolation logins restart calibrate",
    ),
    ("senders", "picture fanout rooms slow isolation calibrate"),
    ("window", "picture fanout rooms slow isolation calibrate"),
    (
        "rate",
        "fanout storm churn rooms slow isolation logins restart calibrate",
    ),
    (
        "duration",
        "idle fanout churn rooms slow isolation calibrate",
    ),
    (
        "warmup",
        "picture fanout churn rooms slow isolation calibrate",
    ),
    ("count", "fanout connect calibrate"),
    ("share", "storm churn slow"),
    ("stuck", "slow"),
    ("read_rate", "slow"),
    ("fresh", "storm"),
    ("kill", "restart"),
    ("moves", "churn"),
    ("no_floor", "picture fanout"),
    ("against", ON_A_SERVER),
    ("server_pid", ON_A_SERVER),
    ("remote", ON_A_SERVER),
    ("spawn", OF_OURS),
    ("store", OF_OURS),
    ("data", OF_OURS),
    ("parlourd", OF_OURS),
    ("verify", OF_OURS),
    (
        "door",
        "picture idle fanout connect storm churn rooms slow isolation",
    ),
    ("suite", OF_OURS),
];
const ON_A_SERVER: &str = "idle fanout connect storm churn rooms slow isolation";
const OF_OURS: &str = "picture idle fanout connect storm churn rooms slow isolation logins restart";

/// Checks that every option that was given means something to the scenario: one that changes
/// nothing would make its figures be taken for others.
///
/// # Errors
///
/// A [`Mistake`] that names the option.
pub(crate) fn check_use(matches: &ArgMatches) -> Result<(), Mistake> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let scenario = matches.subcommand_name().unwrap_or("picture");
    let is_used = |names: &str| names.split(' ').any(|name| name == scenario);
    let unused = USED_BY
        .iter()
        .find(|(id, names)| is_given(id) && !is_used(names));
    match unused {
        None => Ok(()),
        Some((id, _)) => Err(Mistake(format!(
            "{scenario} does not use --{}; leave it out",
            id.replace('_', "-")
        ))),
    }
}

/// Reads `10`, `10s`, `500ms`, `2m` or `1h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let seconds_per_unit = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("{unit} is no unit of time; write ms, s, m or h")),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| format!("{text} is no time; write 10s, 500ms or 2m"))?;
    Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|error| error.to_string())
}

/// Reads `500`, `1k` or `2M`.
fn parse_bytes(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        unit => return Err(format!("{unit} is no unit of bytes; write k or M")),
    };
    let number = digits.parse::<u32>().ok();
    let bytes = number.and_then(|number| number.checked_mul(factor));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("{text} is no number of bytes; write 500, 1k or 2M"))
}

/// Reads `all` or `10%`.
fn parse_verify(text: &str) -> Result<Verify, String> {
    if text == "all" {
        return Ok(Verify(100));
    }
    let number = text
        .strip_suffix('%')
        .and_then(|digits| digits.parse().ok());
    number
        .filter(|percent| *percent <= 100)
        .map(Verify)
        .ok_or_else(|| format!("{text} is no share; write all, or 0% to 100%"))
}

fn parse_pin(text: &str) -> Result<Pin, String> {
    let (server, load) = text
        .split_once(',')
        .ok_or("write two processors, such as 0,1")?;
    let number = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| format!("{text} is no processor"))
    };
    Ok(Pin {
        server: number(server)?,
        load: number(load)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("loadtest").chain(words.split_whitespace()))
    }

    #[test]
    fn options_stand_before_or_after_the_scenario() {
        for words in [
            "fanout -c 50 -d 500ms",
            "-c 50 -d 500ms fanout",
            "-c 50 fanout -d 0.5",
        ] {
            let arguments = parse(words).unwrap();
            assert_eq!(
                arguments.scenario,
                Some(Scenario::Fanout(Target::default()))
            );
            assert_eq!(arguments.options.members_or(1), 50);
            assert_eq!(arguments.options.duration, Some(Duration::from_millis(500)));
        }
        assert_eq!(parse("").unwrap().scenario, None);
    }

    #[test]
    fn an_address_follows_the_scenario() {
        let arguments = parse("idle 127.0.0.1:4747 --pin 0,1").unwrap();
        let address = Some("127.0.0.1:4747".to_owned());
        assert_eq!(arguments.scenario, Some(Scenario::Idle(Target { address })));
        assert_eq!(arguments.options.pin, Some(Pin { server: 0, load: 1 }));
    }

    #[test]
    fn the_share_that_is_verified_is_all_unless_told_otherwise() {
        let share = |words: &str| parse(words).unwrap().options.verify.of(1_000);
        assert_eq!(share("fanout"), 1_000);
        assert_eq!(share("fanout --verify all"), 1_000);
        assert_eq!(share("fanout --verify 5%"), 50);
        assert_eq!(share("fanout --verify 0%"), 0);
        assert_eq!(Verify(1).of(3), 1);
    }

    #[test]
    fn what_a_scenario_does_not_use_is_a_mistake_wherever_it_stands() {
        use clap::CommandFactory;
        let check = |words: &str| {
            let words = std::iter::once("loadtest").chain(words.split_whitespace());
            let matches = Arguments::command().try_get_matches_from(words).unwrap();
            check_use(&matches)
        };
        for words in [
            "idle -c 5 -d 1",
            "fanout -R 5 --senders 2 -n 3",
            "storm -R 5 --fresh",
        ] {
            assert!(check(words).is_ok(), "{words}");
        }
        for (words, named) in [
            ("idle -R 5", "--rate"),
            ("-R 5 idle", "--rate"),
            ("connect -d 5", "--duration"),
            ("slow --fresh", "--fresh"),
            ("fanout --read-rate 1k", "--read-rate"),
            ("-n 5", "--count"),
        ] {
            let Mistake(said) = check(words).unwrap_err();
            assert!(said.contains(named), "{words}: {said}");
        }
    }

    #[test]
    fn a_rate_of_bytes_has_a_unit_or_none() {
        let rate = |words: &str| parse(words).map(|found| found.options.read_rate);
        assert_eq!(rate("slow --read-rate 1k").unwrap(), Some(1_000));
        assert_eq!(rate("slow --read-rate 500").unwrap(), Some(500));
        assert_eq!(rate("slow --read-rate 2M").unwrap(), Some(2_000_000));
        for words in ["0", "5q", "k", "9999999M"] {
            assert!(rate(&format!("slow --read-rate {words}")).is_err());
        }
    }

    #[test]
    fn mistakes_are_told() {
        for words in [
            "fanout -R 0",
            "fanout --window 0",
            "idle -c 0",
            "fanout --senders 0",
        ] {
            assert!(parse(words).unwrap().options.check().is_err(), "{words}");
        }
        for words in [
            "fanout -d 3parsecs",
            "fanout -R 5 --window 5",
            "sing",
            "idle --pin 1",
            "fanout --verify some",
            "fanout --verify 10",
            "fanout --verify 101%",
            "fanout --verify -1%",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
