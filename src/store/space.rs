//! Space: how much of the disk is left for what is still to be said.

use crate::chat::Space;
use crate::limits::{DISK_EXHAUSTED_SHARE, DISK_LOW_BYTES, DISK_LOW_PERCENT};
use std::path::Path;

/// What is left on the disk that holds `folder`. A disk that does not tell is taken for ample: the
/// write that fails will say so.
#[cfg(unix)]
pub(super) fn of_disk(folder: &Path) -> Space {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Space::Ample;
    };
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    judge(bytes(disk.f_bavail), bytes(disk.f_blocks))
}

/// Elsewhere a full disk is noticed when a write fails.
#[cfg(not(unix))]
pub(super) fn of_disk(_folder: &Path) -> Space {
    Space::Ample
}

fn judge(free: u64, total: u64) -> Space {
    let low = DISK_LOW_BYTES.min(total / 100 * DISK_LOW_PERCENT);
    if free < low / DISK_EXHAUSTED_SHARE {
        Space::Exhausted
    } else if free < low {
        Space::Low
    } else {
        Space::Ample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MIB;

    #[test]
    fn a_small_disk_is_low_below_its_share_and_a_large_one_below_a_fixed_size() {
        let mib = MIB as u64;
        assert_eq!(judge(6 * mib, 100 * mib), Space::Ample);
        assert_eq!(judge(4 * mib, 100 * mib), Space::Low);
        assert_eq!(judge(mib, 100 * mib), Space::Exhausted);
        let terabyte = 1024 * 1024 * mib;
        assert_eq!(judge(1025 * mib, terabyte), Space::Ample);
        assert_eq!(judge(1023 * mib, terabyte), Space::Low);
        assert_eq!(judge(255 * mib, terabyte), Space::Exhausted);
    }
}
