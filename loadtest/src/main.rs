//! Load test and checker for a Parlour server, which it treats as a black box.
//!
//! ```text
//! options -> scenario makes a Plan -> Conductor drives a Swarm through its phases -> Report
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`options`] | what is asked for |
//! | [`scenario`] | the loads: who connects, who speaks, what happens when |
//! | [`plan`] | who connects to which rooms, and who speaks how often |
//! | [`conductor`] | takes a swarm through a run and samples what processes use |
//! | [`swarm`] | all connections, shared among threads |
//! | [`link`] | the client's side of each protocol |
//! | [`stamp`], [`ledger`] | what a message says of itself; what arrived and what did not |
//! | [`latency`] | histograms |
//! | [`report`] | one page of figures |
//! | [`stage`], [`spawn`], [`floor`] | the servers: given, started, or the bare one to compare with |
//! | [`process`], [`machine`] | `/proc`; open files and processors |

mod clock;
mod conductor;
mod entropy;
mod floor;
mod latency;
mod ledger;
mod link;
mod live;
mod machine;
mod options;
mod plan;
mod process;
mod report;
mod scenario;
mod source;
mod spawn;
mod stage;
mod stamp;
mod swarm;

use clap::{CommandFactory, FromArgMatches};
use options::Arguments;
use std::process::ExitCode;

/// What was asked for cannot be done; the words say what to change. Exit code 2.
#[derive(Debug)]
pub(crate) struct Mistake(pub(crate) String);

/// It was tried and did not work. Exit code 1.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// Why there is no report.
#[derive(Debug)]
pub(crate) enum Ending {
    /// See [`Mistake`].
    Mistake(Mistake),
    /// See [`Failure`].
    Failure(Failure),
}

impl From<Mistake> for Ending {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let checked = options::check_use(&matches).map_err(Ending::from);
    match checked.and_then(|()| scenario::run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Ending::Failure(Failure(words))) => {
            eprintln!("loadtest: {words}");
            ExitCode::from(1)
        }
        Err(Ending::Mistake(Mistake(words))) => {
            eprintln!("loadtest: {words}");
            ExitCode::from(2)
        }
    }
}
