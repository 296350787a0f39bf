//! Every bound, with its unit, its reason and how it relates to the others.
//!
//! A bound without an action is a wish: each names what happens when it is reached, one of
//! *refuse* (the peer is told), *wait* (the peer is read later) or *close*. What an operator may
//! change carries the default here and its key in [`crate::config`].

use std::time::Duration;

/// Bytes in a kibibyte.
pub const KIB: usize = 1024;
/// Bytes in a mebibyte.
pub const MIB: usize = 1024 * KIB;

// --- Messages ---

/// Longest text of one message, bytes of UTF-8; a longer one is refused.
///
/// 256 KiB is a long essay; it is held once however many read it.
pub const TEXT_BYTES_MAX: usize = 256 * KIB;
/// Most lines in one text; more are refused.
///
/// The line door repeats a prefix on each line, so lines, not bytes, decide what a text grows to.
pub const TEXT_LINES_MAX: usize = 8 * 1024;
/// Longest application message on a sealed link, bytes; a longer one closes the connection.
pub const MESSAGE_BYTES_MAX: usize = 512 * KIB;
/// Longest message or line before a name is given, bytes; a longer one closes the connection.
pub const UNNAMED_MESSAGE_BYTES_MAX: usize = 4 * KIB;
/// What surrounds a text in the largest client message, bytes, generously.
pub const MESSAGE_ENVELOPE_BYTES_MAX: usize = 512;
/// What a room entry costs beside its text and its author's name, bytes.
pub const ENTRY_ENVELOPE_BYTES_MAX: usize = 26;
/// Longest name of a person, bytes of ASCII; refused.
pub const NAME_BYTES_MAX: usize = 32;
/// Longest name of a room, bytes of ASCII without the `#`; refused.
pub const ROOM_NAME_BYTES_MAX: usize = 64;
/// Longest topic, bytes; refused.
pub const TOPIC_BYTES_MAX: usize = 390;
/// Longest key word of a room, bytes; refused.
pub const ROOM_KEY_BYTES_MAX: usize = 64;
/// Longest reason or away text, bytes; cut.
pub const REASON_BYTES_MAX: usize = 390;
/// Most unacknowledged messages of one client, and most remembered for recognising a retry.
pub const UNACKNOWLEDGED_MAX: usize = 1024;
/// How long a stored message is recognised when it is sent again.
pub const DEDUPE_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

// --- People and rooms ---

/// Rooms one person may be in; refused.
pub const ROOMS_JOINED_MAX: usize = 64;
/// Rooms one guest may own; refused.
pub const ROOMS_PER_GUEST_MAX: usize = 3;
/// Rooms on the server; refused.
pub const ROOMS_MAX: usize = 10_000;
/// Names on one person's ignore list; refused.
pub const IGNORED_MAX: usize = 100;
/// Guest names held for the client key that last used them; the oldest goes first.
pub const HELD_NAMES_MAX: usize = 65_536;
/// Held guest names from one source; the oldest goes first.
pub const HELD_NAMES_PER_SOURCE_MAX: usize = 16;
/// How long a guest's name is held for its key.
pub const HELD_NAME_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a guest whose connection was lost may resume its session.
pub const GUEST_RESUME_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// Dropped sessions kept for resumption; the oldest goes first.
pub const DROPPED_SESSIONS_MAX: usize = 65_536;
/// Members above which a room counts arrivals instead of listing them.
pub const PRESENCE_LISTED_MAX: usize = 50;
/// Members below which a counting room lists arrivals again.
pub const PRESENCE_RELISTED_BELOW: usize = 40;
/// Shortest time between two counts of arrivals in one room.
pub const PRESENCE_COUNT_INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Added to that interval per member, so that a storm costs a bounded share of the time.
pub const PRESENCE_COUNT_INTERVAL_PER_MEMBER: Duration = Duration::from_micros(100);
/// Names listed by the greeting; the rest is counted.
pub const GREETING_NAMES_MAX: usize = 10;
/// Names listed by `/names`; a prefix narrows.
pub const NAMES_LISTED_MAX: usize = 200;
/// What is repeated to its author of a word that is no command, bytes.
pub const UNKNOWN_WORD_BYTES_SHOWN: usize = 32;
/// Entries shown on join.
pub const JOIN_HISTORY_ENTRIES: usize = 20;
/// Entries `/history` shows when no number is given.
pub const HISTORY_ENTRIES_DEFAULT: usize = 100;
/// Most entries `/history` shows; a larger number is cut to it.
pub const HISTORY_ENTRIES_MAX: usize = 1_000;

// --- Rates ---

/// Commands a client may send at once.
pub const COMMAND_BURST: u32 = 20;
/// Commands a client may send per second after that; beyond it the server reads slower.
pub const COMMANDS_PER_SECOND: u32 = 5;
/// What a command that makes the server search costs, in commands.
pub const COSTLY_COMMAND_COST: u32 = 5;
/// Bytes of commands a client may send at once.
pub const COMMAND_BYTES_BURST: usize = 512 * KIB;
/// Bytes of commands a client may send per second after that; beyond it the server reads slower.
pub const COMMAND_BYTES_PER_SECOND: usize = 16 * KIB;

// --- Store ---

/// Jobs the journal holds; further senders wait.
pub const JOURNAL_JOBS_MAX: usize = 4_096;
/// Bytes of text the journal holds; further senders wait.
pub const JOURNAL_BYTES_MAX: usize = 16 * MIB;

/// How long the journal waits for another process that holds the database; then nothing of the
/// batch is stored, and its senders are told.
pub const JOURNAL_BUSY_MAX: Duration = Duration::from_secs(5);
/// How long the journal waits before it tries again what it could not store, and looks again how
/// full a disk is that was nearly full, when nobody says anything meanwhile.
pub const JOURNAL_RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Changes of records that a failing disk owes, each of another record; beyond it the server stops
/// with a clear error. Some 16 MiB, and weeks of a full disk on a quiet server.
pub const CHANGES_OWED_MAX: usize = 65_536;
/// How long the journal has nothing to store before it does what could wait.
pub const JOURNAL_QUIET: Duration = Duration::from_millis(20);
/// How long the journal goes without that when there always is something to store.
pub const JOURNAL_CHORE_INTERVAL_MAX: Duration = Duration::from_millis(200);
/// Longest sleep of the journal, so that what is too old goes although nobody speaks.
pub const JOURNAL_SLEEP_MAX: Duration = Duration::from_secs(10);
/// Entries put into the index at once; the journal answers nothing meanwhile.
pub const INDEX_STEP_ENTRIES: usize = 1_024;
/// Bytes of texts after which such a step ends.
pub const INDEX_STEP_BYTES: usize = 256 * KIB;
/// Entries deleted at once; the journal answers nothing meanwhile.
pub const DELETE_STEP_ENTRIES: usize = 256;
/// Rooms looked at once for what is too old or too much.
pub const RETENTION_STEP_ROOMS: usize = 64;
/// Time between two looks at all rooms for what is too old or too much.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(60);
/// Senders whose remembered messages are counted; beyond it the counts begin anew.
pub const SENDERS_COUNTED_MAX: usize = 65_536;
/// Pages of the write-ahead log above which an idle journal brings them to their place.
pub const WAL_PAGES_IDLE: u32 = 256;
/// Pages of the write-ahead log above which a busy journal does so too. Each is 4 KiB, and a page
/// written often is brought there once, so this bounds how long it takes.
pub const WAL_PAGES_MAX: u32 = 2_048;
/// Bytes of the write-ahead log that stay on the disk once it was larger.
pub const WAL_BYTES_KEPT_MAX: usize = 64 * MIB;
/// How long erasing waits for readers before it tries again later.
pub const WAL_TRUNCATE_WAIT: Duration = Duration::from_millis(20);
/// Size up to which the database is checked at every start, bytes; a larger one after a crash only.
pub const DATABASE_CHECKED_BYTES: u64 = 8 * MIB as u64;
/// What the journal keeps of the database in memory, KiB.
pub const JOURNAL_CACHE_KIB: usize = 8 * KIB;
/// What the reader keeps of the database in memory, KiB.
pub const READER_CACHE_KIB: usize = 8 * KIB;
/// Prepared statements each of them keeps.
pub const STATEMENTS_CACHED_MAX: usize = 64;
/// Steps of the database's machine between two looks at the clock.
pub const READ_STEPS_PER_CLOCK_READING: u16 = 1_000;
/// Bits of an entry's place in the database that are its id; those above are its log's number.
pub const PLACE_ID_BITS: u32 = 36;
/// Logs at once, of rooms and inboxes; what a place has bits for.
pub const LOGS_MAX: u32 = 1 << 27;
/// Free space of the disk below which it is low, bytes; guests' messages are refused.
pub const DISK_LOW_BYTES: u64 = 1024 * MIB as u64;
/// Share of the disk below which it is low, if that is less.
pub const DISK_LOW_PERCENT: u64 = 5;
/// Everybody's messages are refused when free space is below this part of that.
pub const DISK_EXHAUSTED_SHARE: u64 = 4;
/// Words of one search that are looked for; further ones are left out.
pub const SEARCH_WORDS_MAX: usize = 32;
/// Pages copied at once by a backup; the journal goes on between two such steps.
pub const BACKUP_STEP_PAGES: u16 = 1_024;

/// Entries the reader gives at once, bytes of their texts; at least one entry.
pub const PAGE_BYTES_MAX: usize = 256 * KIB;
/// Pages asked for at once by all readers; further ones wait.
pub const PAGES_MAX: usize = 64;
/// How long one question to the reader may take; then it is answered with what was found.
pub const READ_TIME_MAX: Duration = Duration::from_millis(250);
/// Hits of one search.
pub const SEARCH_HITS_MAX: usize = 50;
/// Longest query, bytes; refused.
pub const SEARCH_QUERY_BYTES_MAX: usize = 390;
/// What is shown of one hit's text, bytes; cut.
pub const SEARCH_HIT_BYTES_MAX: usize = KIB;
/// Searches the reader holds; further ones are refused.
pub const SEARCHES_MAX: usize = 256;

// --- Accounts ---

/// Accounts on the server; refused.
pub const ACCOUNTS_MAX: usize = 100_000;
/// Client keys that let into one account; refused.
pub const KEYS_PER_ACCOUNT_MAX: usize = 16;
/// Longest password, bytes after normalisation; refused.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Memory that hashing a password takes, KiB: what OWASP's password storage sheet names for two
/// passes, so that trying many at once costs memory that graphics cards do not have.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;
/// How often that memory is gone over.
pub const PASSWORD_PASSES: u32 = 2;
/// Parts of that memory that could be worked on at once; one, since one thread does.
pub const PASSWORD_LANES: u32 = 1;
/// Memory that a hash already kept may ask for, KiB; one that asks for more matches nothing.
pub const PASSWORD_MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Passes, or lanes, that it may ask for; one that asks for more matches nothing.
pub const PASSWORD_PASSES_MAX: u32 = 16;
/// Jobs handed to the password thread: one that it works on, and one so that it need not wait for
/// the loop. All others wait where they can still be put in order or dropped.
pub const PASSWORD_JOBS_AHEAD: usize = 2;
/// Passwords waiting to be hashed; further ones are refused.
pub const PASSWORD_JOBS_MAX: usize = 1_024;
/// The same from one source that is not trusted; further ones are refused.
pub const PASSWORD_JOBS_PER_SOURCE_MAX: usize = 4;
/// Wrong passwords on one connection; then it is closed.
pub const PASSWORD_TRIES_MAX: u8 = 3;
/// The wait after a wrong password, for one name and source; doubled by each further one.
pub const LOGIN_DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
pub const LOGIN_DELAY_MAX: Duration = Duration::from_secs(60);
/// Names and sources whose wrong passwords are remembered; the oldest goes first.
pub const LOGIN_DELAYS_MAX: usize = 65_536;
/// How long a session of an account may be resumed after it was last in use.
pub const ACCOUNT_RESUME_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How often it is noted that a session of an account is still in use.
pub const SESSION_NOTED_INTERVAL: Duration = Duration::from_secs(3600);
/// Sessions of one account that may be resumed; the oldest goes first.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 16;
/// How long the name of an account that ended or was renamed stays reserved.
pub const ACCOUNT_NAME_RESERVED: Duration = Duration::from_secs(90 * 24 * 3600);
/// Rooms one account may own; refused.
pub const ROOMS_PER_ACCOUNT_MAX: usize = 20;
/// Private messages that wait for an account that is away; refused.
pub const WAITING_MESSAGES_MAX: u32 = 1_000;
/// Bytes of their texts; refused.
pub const WAITING_BYTES_MAX: u64 = 4 * MIB as u64;
/// Of those, messages of one sender; refused.
pub const WAITING_PER_SENDER_MAX: u32 = 50;
/// Accounts invited to one room; refused.
pub const INVITED_PER_ROOM_MAX: usize = 100;
/// Accounts with a role in one room; refused.
pub const ROLES_PER_ROOM_MAX: usize = 100;
/// Kicks, mutes and bans in force on the server; further ones are refused.
pub const SANCTIONS_MAX: usize = 100_000;
/// Of those, in one room; further ones are refused.
pub const SANCTIONS_PER_ROOM_MAX: usize = 1_000;
/// Guests a room remembers after they left, so that they can still be sanctioned; the oldest goes
/// first.
pub const RECENT_GUESTS_MAX: usize = 16;
/// Longest announcement, bytes; refused.
pub const ANNOUNCEMENT_BYTES_MAX: usize = KIB;
/// Changes of records that wait for the journal; commands that make more wait.
pub const CHANGES_WAITING_MAX: usize = 4_096;

// --- Files ---

/// Files offered at once; further ones are refused.
pub const FILES_MAX: usize = 4_096;
/// Files that one person offers at once; further ones are refused.
pub const FILES_PER_PERSON_MAX: usize = 100;
/// Bytes of files a server keeps unless its operator says otherwise; further ones are refused.
pub const FILE_QUOTA_BYTES: u64 = 64 * 1024 * MIB as u64;
/// Bytes of files that a server without a data folder keeps in memory; further ones are refused.
pub const FILE_MEMORY_BYTES_MAX: u64 = 64 * MIB as u64;
/// How long a file is kept, fetched or not, whole or not; then it goes.
pub const FILE_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Files that one client sends, and as many that it fetches, at the same time; further ones are
/// refused.
pub const TRANSFERS_PER_CLIENT_MAX: usize = 8;
/// Files fetched at the same time by all; further ones are refused.
///
/// Each has at most [`FILE_READ_BYTES`] and [`FILE_READ_AHEAD_BYTES`] in memory.
pub const DOWNLOADS_MAX: usize = 1_024;
/// Bytes that are read of a file at once.
pub const FILE_READ_BYTES: usize = 64 * KIB;
/// Bytes of a file that wait for one client below which more is read.
pub const FILE_READ_AHEAD_BYTES: usize = 32 * KIB;
/// Bytes of a file for which no record is begun while more could be sent in the next one.
pub const FILE_PIECE_BYTES_MIN: usize = KIB;
/// Bytes that the sender of a file may send beyond what the disk has, at most; then it waits.
pub const FILE_WINDOW_BYTES_MAX: u64 = MIB as u64;
/// The same, at least, however many send.
pub const FILE_WINDOW_BYTES_MIN: u64 = 16 * KIB as u64;
/// The same of all senders together, but for what [`FILE_WINDOW_BYTES_MIN`] adds.
pub const FILE_WINDOWS_BYTES_MAX: u64 = 64 * MIB as u64;
/// Into how many parts a window is divided: one of them is given to one sender of what is left, and
/// a window that would move by less than one is not moved.
pub const FILE_WINDOW_SHARE: u64 = 4;
/// Bytes of a file after which the disk is told to keep them: so that the end is not long in coming,
/// and that what is said, which waits for the same disk, does not stand behind much.
pub const FILE_SYNC_BYTES: u64 = 4 * MIB as u64;
/// Files of the spool that each of its threads keeps open.
pub const SPOOL_OPEN_FILES_MAX: usize = 8;
/// Largest record of an offer that is read from the spool, bytes; a larger one is none.
pub const SPOOL_RECORD_BYTES_MAX: usize = 4 * KIB;
/// Jobs that the spool's threads can be given at once: of each file a few, and the reads.
pub const SPOOL_JOBS_MAX: usize = 4 * FILES_MAX + DOWNLOADS_MAX;
/// Time between two looks for files that are too old.
pub const FILE_EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// Longest name of a file, bytes of UTF-8; refused. What file systems take.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Bytes of a file in one message; more closes the connection.
///
/// With its envelope it fills one record.
pub const FILE_CHUNK_BYTES_MAX: usize = 16 * KIB - 64;
/// What surrounds them, frame header included, bytes.
pub const FILE_PIECE_ENVELOPE_BYTES: usize = 26;

// --- Activity log ---

/// Size at which a new file of the activity log is begun, bytes.
pub const ACTIVITY_LOG_BYTES: u64 = 16 * MIB as u64;
/// The smallest such size that an operator may choose.
pub const ACTIVITY_LOG_BYTES_MIN: u64 = 64 * KIB as u64;
/// Older files of the activity log that are kept; the oldest is deleted.
pub const ACTIVITY_LOG_FILES: u32 = 8;
/// The most that an operator may choose: each new file renames them all.
pub const ACTIVITY_LOG_FILES_MAX: u32 = 1_000;
/// Lines that wait for the activity log's thread; further ones are lost, and counted.
pub const ACTIVITY_QUEUE_MAX: usize = 8 * 1024;
/// Lines that one `/log` shows.
pub const ACTIVITY_LINES_SHOWN: usize = 50;
/// How much of the newest files `/log` looks at, bytes; older lines are found by `parlourd admin log`.
pub const ACTIVITY_BYTES_SEARCHED: u64 = 4 * MIB as u64;
/// How often `parlourd admin log --follow` looks for new lines.
pub const ACTIVITY_FOLLOW_INTERVAL: Duration = Duration::from_millis(250);

// --- Metrics door and control socket ---

/// Connections at once at each of them; the oldest that has not asked anything is closed.
pub const SIDE_VISITORS_MAX: usize = 16;
/// Longest request at the metrics door, bytes; then closed.
pub const METRICS_REQUEST_BYTES_MAX: usize = 8 * KIB;
/// Longest request over the control socket, bytes; then closed.
pub const CONTROL_REQUEST_BYTES_MAX: usize = 8 * KIB;
/// How long a request and its answer may take; then closed.
pub const SIDE_TIMEOUT: Duration = Duration::from_secs(10);

// --- Rooms in memory ---

/// Size of one segment of a room's encoded log, bytes; a longer entry has its own.
pub const SEGMENT_BYTES: usize = 64 * KIB;
/// Encoded bytes a room keeps for newcomers at least, unless [`ROOM_LOG_ENTRIES_MIN`] needs more.
pub const ROOM_LOG_BYTES_MIN: usize = MIB;
/// Entries a room keeps for newcomers at most when they are small.
pub const ROOM_LOG_ENTRIES_MIN: usize = 1_000;
/// Encoded bytes of a room's log above which slow readers make its senders wait.
pub const ROOM_LOG_BYTES_PRESSED: usize = 14 * MIB;
/// Encoded bytes a room keeps for cursors that are behind; beyond it they miss entries, and are told.
pub const ROOM_LOG_BYTES_MAX: usize = 16 * MIB;
/// Encoded bytes of all rooms together; beyond it the largest log is cut, and its readers are told.
pub const LOGS_BYTES_MAX: usize = 256 * MIB;
/// When all logs together reach their bound, so much of it is cut at once: one part in so many.
pub const LOGS_CUT_SHARE: usize = 16;
/// Bytes held for connections in the middle of an entry that is gone; beyond it the longest
/// blocked are closed.
pub const UNFINISHED_BYTES_MAX: usize = 64 * MIB;
/// How long the readers of an ephemeral room slow its senders before they miss entries.
pub const EPHEMERAL_SENDER_WAIT_MAX: Duration = Duration::from_secs(1);

// --- One connection ---

/// Bytes read from one connection per turn; the rest waits for the next turn.
pub const READ_BYTES_PER_VISIT: usize = 16 * KIB;
/// Bytes of direct replies owed to a connection above which nothing more is read from it.
pub const REPLIES_OWED_BYTES_MAX: usize = 64 * KIB;
/// Bytes of one answer; a longer one is paged.
pub const ANSWER_BYTES_MAX: usize = 64 * KIB;
/// Lines of one answer; a longer one is paged.
pub const ANSWER_LINES_MAX: usize = 100;
/// Full write buffers held by blocked connections; with none free a connection is not visited.
pub const WRITE_BUFFERS_MAX: usize = 4_096;
/// Size classes in which a blocked connection's rest is kept, bytes.
pub const WRITE_REST_CLASSES_BYTES: [usize; 3] = [KIB, 4 * KIB, WRITE_BUFFER_BYTES_MAX];
/// Unused buffers kept of each class, so that a passing crowd of slow readers does not keep its own.
pub const WRITE_BUFFERS_SPARE_MAX: usize = 64;
/// Replays of one connection that wait; further ones are refused with a notice.
pub const REPLAYS_QUEUED_MAX: usize = 4;
/// The part of a connection's state that every delivery touches fits one line of the cache, bytes.
pub const CACHE_LINE_BYTES: usize = 64;
/// Incomplete input of all connections together, bytes; above it only connections that hold less
/// than [`INCOMPLETE_INPUT_SMALL_BYTES`] are read.
pub const INCOMPLETE_INPUT_BYTES_MAX: usize = 64 * MIB;
/// Incomplete input a connection may hold when the total is exhausted, bytes.
pub const INCOMPLETE_INPUT_SMALL_BYTES: usize = 16 * KIB;
/// How long a begun message may take to arrive whole; then the connection is closed.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a reader may accept no byte while something is owed; then it is closed.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a peer may take for the handshake; then it is closed.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take to give its name, while the server waits for it; then it is closed.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Silence after which a sealed client is pinged.
pub const PING_AFTER: Duration = Duration::from_secs(90);
/// Silence after which a sealed client is given up as lost.
pub const GONE_AFTER: Duration = Duration::from_secs(150);
/// How long a peer that was sent CLOSE may take to send its own; then it is closed.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a line connection that was sent its last words may take to close its side.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle time after which TCP asks whether the peer is still there.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// Shortest such time that TCP can count.
pub const KEEPALIVE_IDLE_MIN: Duration = Duration::from_secs(1);
/// Longest such time that an operator may ask for; Linux refuses more than 32,767 s.
pub const KEEPALIVE_IDLE_MAX: Duration = Duration::from_secs(9 * 3600);
/// Time between two such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Unanswered questions after which the peer is lost.
pub const KEEPALIVE_RETRIES: u32 = 6;
/// How long sent bytes may stay unacknowledged by the peer's system before it is lost.
pub const UNACKNOWLEDGED_BYTES_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes the kernel may hold unsent for one connection before it reports it as not writable.
///
/// Without it a reader that never reads makes the kernel absorb megabytes, and what is sealed late
/// would be late by that much.
pub const UNSENT_BYTES_LOW: u32 = 32 * 1024;
/// How long an empty line at the line door must stand alone to mean leaving.
pub const EMPTY_LINE_WAIT: Duration = Duration::from_millis(300);
/// How long a stopping server flushes before it ends all the same.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

// --- One turn of the loop ---

/// Connections the kernel holds until they are accepted; it may hold fewer.
pub const LISTEN_BACKLOG: i32 = 4_096;
/// Reads of 48 KiB by which a stopping server throws away what one peer has sent: 6 MiB, the most
/// that Linux keeps of a peer by default. What is left unread may cost the peer our last words.
pub const UNREAD_DISCARDS_MAX: usize = 128;
/// How long nothing is accepted after the system ran out of files or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// New connections accepted per turn.
pub const ACCEPTS_PER_TURN: usize = 64;
/// How long a refused peer's socket stays, so that the reason reaches it; then it is closed.
pub const REFUSED_LINGER: Duration = Duration::from_secs(1);
/// Sockets that stay like that, out of [`OPEN_FILES_RESERVED`]; beyond it the oldest is closed.
pub const REFUSED_LINGERING_MAX: usize = 16;
/// Into how many shares a deadline's delay is divided for rounding it up.
pub const DEADLINE_SHARES: u32 = 64;
/// How long a connection that is held back for others' sake is not looked at.
pub const HELD_BACK_PAUSE: Duration = Duration::from_millis(10);
/// How long one connection at a time may go on with a long message while too much is held of all;
/// then the next one may.
pub const FAVOUR_TIME: Duration = Duration::from_millis(100);
/// Longest sleep of the loop.
pub const IDLE_WAIT_MAX: Duration = Duration::from_secs(60);
/// Shortest time between two log lines about connections that failed.
pub const FAILURE_LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Events taken from the kernel per turn.
pub const EVENTS_PER_TURN: usize = 1_024;
/// Share of a turn that handshakes may take while other work waits.
pub const HANDSHAKE_TURN_BUDGET: Duration = Duration::from_micros(500);
/// How long the write phase of one turn may take; for so long nobody is read.
pub const WRITE_PHASE_BUDGET: Duration = Duration::from_millis(1);
/// How long one room's sweep may take before others are served.
pub const ROOM_SLICE_BUDGET: Duration = Duration::from_millis(1);
/// How long files may take of one turn's write phase, when all that was said had its share; so long
/// a message waits for them at most.
pub const SPARE_SLICE_BUDGET: Duration = Duration::from_micros(500);
/// Members one room's sweep visits before others are served.
pub const ROOM_SLICE_MEMBERS: usize = 64;
/// Visits between two looks at the clock.
pub const VISITS_PER_CLOCK_READING: u32 = 16;
/// Rooms of at most this many members go before rooms in the middle of a sweep.
pub const SMALL_ROOM_MEMBERS_MAX: usize = 64;
/// Records sealed by one key whose time has come, changed per turn.
pub const REKEYS_PER_TURN_MAX: usize = 64;

// --- Connections ---

/// Open files kept for the server itself: listeners, the poll, the log, the store.
pub const OPEN_FILES_RESERVED: usize = 64;
/// Clients at once, whatever the open-files limit says; further ones are refused.
pub const CLIENTS_MAX: usize = 1_000_000;
/// Share of the allowed clients that may be without a name before new ones are refused at random.
pub const UNNAMED_REFUSAL_BEGINS_PERCENT: usize = 10;
/// The share of refused ones when that begins.
pub const UNNAMED_REFUSAL_RATE_PERCENT: usize = 30;
/// Share of the allowed clients without a name at which every new one is refused.
pub const UNNAMED_REFUSAL_FULL_PERCENT: usize = 25;
/// While fewer than this many are without a name nobody is refused for it.
pub const UNNAMED_NEVER_REFUSED_BELOW: usize = 100;
/// Connections without a name from one source at once; further ones are refused.
pub const UNNAMED_PER_SOURCE_MAX: usize = 16;
/// Named connections from one source at once; further ones are refused.
pub const NAMED_PER_SOURCE_MAX: usize = 256;
/// Failed handshakes and logins of one source per [`FAILURE_WINDOW`]; then it is refused.
pub const FAILURES_PER_SOURCE_MAX: usize = 32;
/// The time over which a source's failures are counted.
pub const FAILURE_WINDOW: Duration = Duration::from_secs(600);
/// Sources whose counts are remembered; the one unused for longest goes first.
pub const SOURCES_MAX: usize = 65_536;

// --- Sealed transport (docs/protocol.md) ---

/// Version, epoch and length before a record's ciphertext, bytes.
pub const RECORD_HEADER_BYTES: usize = 4;
/// Kind and padding length at the start of a record's plaintext, bytes.
pub const RECORD_PREFIX_BYTES: usize = 2;
/// Authentication tag after a record's ciphertext, bytes.
pub const RECORD_TAG_BYTES: usize = 16;
/// A whole record of the largest size that is accepted, bytes.
pub const RECORD_BYTES_MAX: usize = RECORD_HEADER_BYTES + RECORD_INNER_BYTES_MAX + RECORD_TAG_BYTES;
/// Largest plaintext of a record that is accepted, bytes; a larger one closes.
pub const RECORD_INNER_BYTES_MAX: usize = 16 * KIB;
/// Largest plaintext of a record that is sent, bytes: the largest padded length, 64 k - 21.
pub const RECORD_INNER_BYTES_SENT_MAX: usize = 64 * 256 - 21;
/// A whole record to be written, with room for KEYUPDATE (26 bytes) and CLOSE (24 bytes) beside it.
pub const WRITE_BUFFER_BYTES_MAX: usize = 16 * KIB + 64;
/// Records one key seals before it must be changed.
///
/// Suite 1 could go further; suite 2 decides. NIST SP 800-38D, 8.3, has no bound on records whose
/// nonces are counted and not drawn, and 5.2.1.1 one of 64 GiB on each. What binds is how far GCM
/// can be told from an ideal cipher: after q blocks, by about q^2 / 2^129. RFC 8446, 5.5, keeps
/// that below 2^-57 for 2^24.5 records of 2^14 bytes, which is 2^38.5 bytes or 2^34.5 blocks; a
/// key here ends at 2^34 bytes, which with the part-filled blocks and two more of each of 2^26
/// records is less than 2^31 blocks, so below 2^-67. A forger guesses once, since the first bad
/// tag closes: by RFC 9147, 4.5.3, whose bound on failures is 2^36, that is nothing.
pub const RECORDS_PER_KEY_MAX: u64 = 1 << 26;
/// Bytes one key seals before it must be changed.
pub const BYTES_PER_KEY_MAX: u64 = 1 << 34;
/// Records of one key that an opener accepts; then it closes.
pub const RECORDS_PER_KEY_ACCEPTED_MAX: u64 = 1 << 32;
/// Bytes of one key that an opener accepts; then it closes.
pub const BYTES_PER_KEY_ACCEPTED_MAX: u64 = 1 << 36;
/// Time after which a key should be changed, before a draw of 0.75 to 1.25.
pub const REKEY_AFTER: Duration = Duration::from_secs(3600);
/// A second key change within this time and [`REKEY_RECORDS_MIN`] closes.
pub const REKEY_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// A second key change within this many records and [`REKEY_INTERVAL_MIN`] closes.
pub const REKEY_RECORDS_MIN: u64 = 1_000;
/// Longest payload of a handshake message, bytes; a longer one closes.
pub const HANDSHAKE_PAYLOAD_BYTES_MAX: usize = 256;
/// Bytes buffered from a peer before its handshake is done; more closes.
pub const HANDSHAKE_BYTES_MAX: usize = 512;

// --- The bundled client ---

/// How long one address of a server may take to accept a connection; then the next one is tried.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The first wait before a lost connection is tried again; each further one is twice as long.
pub const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(500);
/// The longest wait before a lost connection is tried again.
pub const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(30);
/// Attempts that a time given for trying again is enough for, at least.
pub const RETRY_ATTEMPTS_MIN: u32 = 8;
/// Bytes waiting for the server above which the client reads no more input.
pub const CLIENT_UNSENT_BYTES_MAX: usize = 512 * KIB;
/// Bytes of unacknowledged messages above which the client reads no more input.
pub const CLIENT_UNACKNOWLEDGED_BYTES_MAX: usize = 4 * MIB;
/// Memory that each of the client's three queues of bytes keeps when it runs empty.
pub const CLIENT_QUEUE_KEPT_BYTES: usize = 128 * KIB;
/// Bytes the client reads at once, from the server or from its input.
pub const CLIENT_READ_BYTES: usize = 64 * KIB;
/// How often the client reads so many bytes before it shows them.
pub const CLIENT_READS_PER_TURN: usize = 16;
/// Events the client takes from the kernel per turn.
pub const CLIENT_EVENTS_PER_TURN: usize = 16;
/// Keys read ahead of what the client has taken; the reader waits.
pub const CLIENT_KEYS_AHEAD_MAX: usize = 1_024;
/// Pieces of input read ahead of what the client can send; the reader waits.
pub const CLIENT_INPUT_PIECES_MAX: usize = 4;
/// Lines the client remembers for the arrow keys; the oldest goes first.
pub const CLIENT_HISTORY_LINES_MAX: usize = 1_000;
/// Bytes of those lines together; the oldest goes first.
pub const CLIENT_HISTORY_BYTES_MAX: usize = MIB;
/// Marks that may stand on one character of what others say; further ones are not shown.
pub const CLIENT_MARKS_PER_CHARACTER_MAX: usize = 16;
/// People whose names the client completes; who was active least recently goes first.
pub const CLIENT_PEOPLE_MAX: usize = 1_024;
/// Entries of a folder that are offered to complete a file's name.
pub const CLIENT_FILES_OFFERED_MAX: usize = 256;
/// Lines of a text above which the client asks before it is sent as one message.
pub const CLIENT_LINES_ASKED: usize = 10;
/// Bytes of a text of several lines above which the client asks before it is sent.
pub const CLIENT_LINES_BYTES_ASKED: usize = 2 * KIB;
/// Rows of running transfers shown at once; the others are counted.
pub const CLIENT_PROGRESS_ROWS_MAX: usize = 4;
/// Longest line of piped JSON, bytes: a text in which every byte is escaped, and what is around it.
pub const CLIENT_JSON_LINE_BYTES_MAX: usize = 6 * TEXT_BYTES_MAX + 4 * KIB;
/// Largest file of settings, bytes; a larger one is refused.
pub const CLIENT_SETTINGS_BYTES_MAX: usize = 64 * KIB;
/// Bytes of painted output above which the client writes before it goes on reading.
pub const CLIENT_PAINT_BYTES: usize = 64 * KIB;
/// How long a leaving client waits for what it said to be stored, and for the goodbye.
pub const CLIENT_GOODBYE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a secret as it is typed, which normalisation may make fewer; further keys have no
/// effect.
pub const CLIENT_SECRET_BYTES_MAX: usize = 4 * PASSWORD_BYTES_MAX;
/// Largest file that may begin with a password, bytes; a larger one is refused.
pub const CLIENT_PASSWORD_FILE_BYTES_MAX: usize = 4 * KIB;
/// Largest list of accounts that keep their password, bytes; a larger one is refused.
pub const CLIENT_DECLINED_BYTES_MAX: usize = MIB;
/// Bytes of a file that the receiving client lets come before it has written them.
pub const CLIENT_FILE_WINDOW_BYTES: u64 = MIB as u64;
/// Bytes waiting for the socket above which the client puts no more of a file behind them, so that
/// what its user says does not stand behind much.
pub const CLIENT_FILE_UNSENT_BYTES: usize = 64 * KIB;
/// Offers the client remembers; what it knows of others it asks for when they are wanted.
pub const CLIENT_OFFERS_MAX: usize = 1_024;
/// How often the client looks at how far files have come while nothing else happens.
pub const CLIENT_PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Numbers that are tried behind the name of a received file that is taken; then it is refused.
pub const FILE_NAMES_TRIED_MAX: u32 = 10_000;
/// Largest file of known servers that is read, bytes; a larger one is refused.
pub const KNOWN_SERVERS_BYTES_MAX: usize = MIB;

const _: () = {
    // A full text plus its envelope must fit one message, or it could not be encoded.
    assert!(TEXT_BYTES_MAX + MESSAGE_ENVELOPE_BYTES_MAX <= MESSAGE_BYTES_MAX);
    // The length of a frame is written in three bytes.
    assert!(MESSAGE_BYTES_MAX < 1 << 24);
    // A chunk of a file must fit one record, so that it is never begun and left.
    assert!(
        FILE_CHUNK_BYTES_MAX + FILE_PIECE_ENVELOPE_BYTES
            <= RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES
    );
    // What waits for one client fills records, and each thread's files leave some for the others.
    assert!(FILE_READ_AHEAD_BYTES >= FILE_CHUNK_BYTES_MAX && FILE_READ_BYTES <= MIB);
    assert!(2 * SPOOL_OPEN_FILES_MAX <= OPEN_FILES_RESERVED / 2);
    // What a client may say before it has a name must fit what it may say afterwards.
    assert!(UNNAMED_MESSAGE_BYTES_MAX <= MESSAGE_BYTES_MAX);
    // A whole record and the two that may follow it must fit the write buffer.
    assert!(
        RECORD_HEADER_BYTES + RECORD_INNER_BYTES_SENT_MAX + RECORD_TAG_BYTES + 26 + 24
            <= WRITE_BUFFER_BYTES_MAX
    );
    assert!(RECORD_INNER_BYTES_SENT_MAX <= RECORD_INNER_BYTES_MAX);
    // The length field of a record is a u16, and so is its room for padding.
    assert!(RECORD_INNER_BYTES_MAX <= u16::MAX as usize);
    // A sender must stop using a key long before its peer stops accepting it.
    assert!(RECORDS_PER_KEY_MAX < RECORDS_PER_KEY_ACCEPTED_MAX);
    assert!(BYTES_PER_KEY_MAX < BYTES_PER_KEY_ACCEPTED_MAX);
    // Both remaining handshake messages must fit what is buffered.
    assert!(64 + HANDSHAKE_PAYLOAD_BYTES_MAX + 2 <= HANDSHAKE_BYTES_MAX);
    // A room that fits the floor must fit the ceiling.
    assert!(ROOM_LOG_BYTES_MIN <= ROOM_LOG_BYTES_MAX && ROOM_LOG_BYTES_MAX <= LOGS_BYTES_MAX);
    // Senders wait before readers miss entries, and there is something to wait for.
    assert!(ROOM_LOG_BYTES_MIN < ROOM_LOG_BYTES_PRESSED);
    assert!(ROOM_LOG_BYTES_PRESSED < ROOM_LOG_BYTES_MAX);
    // The longest rest of a record must fit the largest class.
    assert!(WRITE_REST_CLASSES_BYTES[2] == WRITE_BUFFER_BYTES_MAX);
    // Otherwise the longest text could never be queued.
    assert!(CLIENT_UNSENT_BYTES_MAX >= TEXT_BYTES_MAX + MESSAGE_ENVELOPE_BYTES_MAX);
    // Hysteresis needs a gap.
    assert!(PRESENCE_RELISTED_BELOW < PRESENCE_LISTED_MAX);
    // What stays of refused peers leaves files for the server itself.
    assert!(REFUSED_LINGERING_MAX * 2 <= OPEN_FILES_RESERVED);
    // A place must be a positive number of 64 bits.
    assert!(PLACE_ID_BITS + LOGS_MAX.trailing_zeros() == 63);
    // There must be places for all rooms and every account's inbox, and as many of guests again.
    assert!(2 * (ROOMS_MAX + ACCOUNTS_MAX) < LOGS_MAX as usize);
    // All hits of a search, each with its room, author and time, fit one answer.
    assert!(
        SEARCH_HITS_MAX * (SEARCH_HIT_BYTES_MAX + ROOM_NAME_BYTES_MAX + NAME_BYTES_MAX + 64)
            <= ANSWER_BYTES_MAX
    );
    // A session in use must not be forgotten between two notes of it.
    assert!(SESSION_NOTED_INTERVAL.as_secs() * 2 <= ACCOUNT_RESUME_AGE_MAX.as_secs());
    // A secret must fit what a client without a name may send, and a file what is typed.
    assert!(CLIENT_SECRET_BYTES_MAX + MESSAGE_ENVELOPE_BYTES_MAX <= UNNAMED_MESSAGE_BYTES_MAX);
    assert!(CLIENT_SECRET_BYTES_MAX <= CLIENT_PASSWORD_FILE_BYTES_MAX);
    // What is hashed today must be checked tomorrow.
    assert!(PASSWORD_MEMORY_KIB <= PASSWORD_MEMORY_KIB_MAX);
    assert!(PASSWORD_PASSES <= PASSWORD_PASSES_MAX && PASSWORD_LANES <= PASSWORD_PASSES_MAX);
    assert!(PASSWORD_JOBS_PER_SOURCE_MAX <= PASSWORD_JOBS_MAX);
    // The journal must take the longest message.
    assert!(TEXT_BYTES_MAX <= JOURNAL_BYTES_MAX);
};
