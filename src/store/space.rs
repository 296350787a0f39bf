//! Space: how much of the disk is left for what is still to be said.

use crate::chat::Space;
use crate::disk::Free;
use crate::limits::DISK_EXHAUSTED_SHARE;
use std::path::Path;

/// What is left on the disk that holds `folder`. A disk that does not tell is taken for ample: the
/// write that fails will say so.
pub(super) fn of_disk(folder: &Path) -> Space {
    Free::of(folder).map_or(Space::Ample, judge)
}

fn judge(free: Free) -> Space {
    let low = free.low_bytes();
    if free.bytes < low / DISK_EXHAUSTED_SHARE {
        Space::Exhausted
    } else if free.bytes < low {
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
        let judge = |bytes, total| judge(Free { bytes, total });
        assert_eq!(judge(6 * mib, 100 * mib), Space::Ample);
        assert_eq!(judge(4 * mib, 100 * mib), Space::Low);
        assert_eq!(judge(mib, 100 * mib), Space::Exhausted);
        let terabyte = 1024 * 1024 * mib;
        assert_eq!(judge(1025 * mib, terabyte), Space::Ample);
        assert_eq!(judge(1023 * mib, terabyte), Space::Low);
        assert_eq!(judge(255 * mib, terabyte), Space::Exhausted);
    }
}
