//! How much may be kept, and how much is.

use crate::limits;

/// How much may be kept; [`Bounds::default`] is what `limits` says, the simulator takes less.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Whether a store has what memory does not: readers that fall behind go on from there, and
    /// nobody waits for them.
    pub has_store: bool,
    /// Size of a segment of a log, bytes.
    pub segment_bytes: usize,
    /// Bytes a room keeps for newcomers at least, unless it has `room_log_entries_min`.
    pub room_log_bytes_min: usize,
    /// Stored entries a room keeps for newcomers at least, unless it has `room_log_bytes_min`.
    pub room_log_entries_min: usize,
    /// Bytes above which slow readers make senders wait, if there is no store.
    pub room_log_bytes_pressed: usize,
    /// Bytes a room keeps at most.
    pub room_log_bytes_max: usize,
    /// Bytes all rooms keep at most; must take the longest entry.
    pub logs_bytes_max: usize,
    /// Bytes of begun entries kept for connections, beside the logs; must take the longest entry,
    /// and the replies that may be owed to one connection.
    pub unfinished_bytes_max: usize,
    /// Whole records that blocked connections may hold together.
    pub write_buffers_max: usize,
    /// Members up to which a room goes before rooms in the middle of a sweep.
    pub small_room_members_max: usize,
    /// Pages asked for or being read at once; further readers wait.
    pub pages_max: usize,
    /// Encoded bytes kept of one page, but for its last entry; the rest is asked for again.
    pub page_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            has_store: false,
            segment_bytes: limits::SEGMENT_BYTES,
            room_log_bytes_min: limits::ROOM_LOG_BYTES_MIN,
            room_log_entries_min: limits::ROOM_LOG_ENTRIES_MIN,
            room_log_bytes_pressed: limits::ROOM_LOG_BYTES_PRESSED,
            room_log_bytes_max: limits::ROOM_LOG_BYTES_MAX,
            logs_bytes_max: limits::LOGS_BYTES_MAX,
            unfinished_bytes_max: limits::UNFINISHED_BYTES_MAX,
            write_buffers_max: limits::WRITE_BUFFERS_MAX,
            small_room_members_max: limits::SMALL_ROOM_MEMBERS_MAX,
            pages_max: limits::PAGES_MAX,
            page_bytes_max: limits::PAGE_BYTES_MAX,
        }
    }
}

/// What is held at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all rooms' logs, in every form, with their indexes.
    pub logs_bytes: usize,
    /// Bytes of the largest room's log.
    pub largest_log_bytes: usize,
    /// Bytes of begun entries kept for connections beside the logs.
    pub unfinished_bytes: usize,
    /// Bytes lent to blocked connections for sealed records.
    pub write_buffer_bytes: usize,
    /// Rooms, inboxes included.
    pub rooms: usize,
    /// Pages asked for or being read.
    pub pages: usize,
    /// Pages asked for and not answered.
    pub pages_asked: usize,
    /// Bytes of those being read, with their indexes.
    pub pages_bytes: usize,
    /// Pages that are wanted and not asked for yet.
    pub pages_waiting: usize,
}
