//! What the load test asks of the machine: open files and processors.

use crate::Mistake;
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Open files kept for everything that is no connection.
const FILES_RESERVED: u64 = 64;

/// Raises the limit of open files as far as allowed.
///
/// # Errors
///
/// A [`Mistake`] when that is not enough for so many connections.
pub(crate) fn allow_connections(count: usize) -> Result<(), Mistake> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A refusal leaves the old limit, which is looked at next.
    let _ = setrlimit(Resource::Nofile, limit);
    let needed = u64::try_from(count).unwrap_or(u64::MAX) + FILES_RESERVED;
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if allowed < needed => Err(Mistake(format!(
            "{count} connections need {needed} open files, and {allowed} are allowed; \
             raise the limit (ulimit -Hn) or ask for fewer"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Runs this thread, and all that it starts from now on, on one processor.
///
/// # Errors
///
/// A [`Mistake`] when there is no such processor.
pub(crate) fn pin(processor: usize) -> Result<(), Mistake> {
    let mut set = CpuSet::new();
    if processor < CpuSet::MAX_CPU {
        set.set(processor);
    }
    sched_setaffinity(None, &set)
        .map_err(|error| Mistake(format!("cannot run on processor {processor}: {error}")))
}

/// What this machine is, in words.
pub(crate) fn words() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        let lines = processors.lines().filter_map(|line| line.split_once(':'));
        let found = lines.filter(|(name, _)| name.trim() == key);
        found.map(|(_, value)| value.trim().to_owned()).collect()
    };
    let (count, models): (Vec<String>, Vec<String>) = (of("processor"), of("model name"));
    let model = models
        .first()
        .map_or(String::new(), |it| format!(" ({it})"));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim();
    let (number, system) = (count.len(), std::env::consts::OS);
    format!("{number} processors{model}, {system} {kernel}")
}

/// Asks a process to stop.
pub(crate) fn terminate(process: u32) {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // One that has ended already needs no asking.
        let _ = kill_process(pid, Signal::TERM);
    }
}
