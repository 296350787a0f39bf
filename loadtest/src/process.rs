//! What a process uses, from `/proc`: processor time and memory.
//!
//! Elsewhere than on Linux there is nothing to read, and reports leave these figures out.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

/// How often the kernel's clock ticks a second as `/proc` counts: 100 on every Linux there is.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time a process has used.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ProcessorTime {
    /// In the program.
    pub(crate) user: Duration,
    /// In the kernel, on its behalf.
    pub(crate) kernel: Duration,
    /// Both, more exactly than their sum, where the kernel tells.
    pub(crate) exact: Option<Duration>,
}

impl ProcessorTime {
    /// What a process has used so far.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (user, kernel) = parse_stat(&stat)?;
        Some(Self {
            user,
            kernel,
            exact: exact(process),
        })
    }

    /// Both together.
    pub(crate) fn total(&self) -> Duration {
        self.exact.unwrap_or(self.user + self.kernel)
    }

    /// The share of the kernel in it.
    pub(crate) fn kernel_share(&self) -> f64 {
        let sum = (self.user + self.kernel).as_secs_f64();
        if sum > 0.0 {
            self.kernel.as_secs_f64() / sum
        } else {
            0.0
        }
    }
}

impl Sub for ProcessorTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let exact = self.exact.zip(earlier.exact);
        Self {
            user: self.user.saturating_sub(earlier.user),
            kernel: self.kernel.saturating_sub(earlier.kernel),
            exact: exact.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// Bytes of a process that are in memory.
pub(crate) fn resident_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    parse_resident(&status)
}

/// Bytes that the kernel holds for TCP sockets of the whole machine.
pub(crate) fn socket_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/sockstat").ok()?;
    let line = text.lines().find(|line| line.starts_with("TCP:"))?;
    let pages: u64 = line.split(" mem ").nth(1)?.trim().parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Nanoseconds that all threads of a process have run.
fn exact(process: u32) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

fn parse_stat(stat: &str) -> Option<(Duration, Duration)> {
    // The name in parentheses may hold anything, so the fields are counted from its end.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut time = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    };
    Some((time()?, time()?))
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_moves_no_field() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 30 0 0 20 0 1 0 99";
        let times = (Duration::from_millis(2500), Duration::from_millis(300));
        assert_eq!(parse_stat(stat), Some(times));
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    90 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(parse_resident(status), Some(12 * 1024));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        assert!(resident_bytes(own).unwrap() > 100_000);
        assert!(ProcessorTime::of(own).is_some());
    }
}
