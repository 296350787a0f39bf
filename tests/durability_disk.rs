//! What becomes of what is kept when the disk is full, the file is damaged, or somebody else has
//! it; and that what is deleted is gone.

use crate::harness::house::admin;
use crate::harness::server::Setup;
use crate::harness::{Conversation, Home, Program, Proxy, Server, clock, tools};
use rusqlite::Connection;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn launch(data: &Path) -> Server {
    Server::launch(&Setup {
        data: Some(data),
        ..Setup::default()
    })
}

/// Starts a server that must refuse; its exit code and what it said.
fn refused(data: &Path) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        data: Some(data),
        ..Setup::default()
    };
    let (code, lines, errors) = Program::run(&mut setup.command(folder.path()), "");
    assert!(lines.is_empty(), "it must not be ready: {lines:?}");
    (code, errors)
}

fn database(data: &Path) -> PathBuf {
    data.join("parlour.db")
}

/// Whether a message is stored is known when another one sees it.
fn said(from: &mut Conversation, to: &mut Conversation, text: &str) {
    from.send(format!("{text}\n"));
    to.find(&format!("[#lobby] {{}}: {text}"));
}

/// A folder in which something was said, and no server.
fn kept() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let mut server = launch(data.path());
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    for number in 0..200 {
        alice.send(format!("number {number} {}\n", "and more ".repeat(20)));
    }
    said(&mut alice, &mut bob, "the last");
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    data
}

/// Goal: a damaged database is refused in clear words, and left as it is. Method: damage it in
/// every way that leaves a file, and take it away from beside its log.
#[test]
fn a_damaged_database_is_refused_and_never_replaced() {
    let data = kept();
    let path = database(data.path());
    let whole = fs::read(&path).unwrap();
    let middle = whole.len() / 2 / 4096 * 4096;
    let mut torn = whole.clone();
    torn[middle..middle + 4096].fill(0xA5);
    let mut headless = whole.clone();
    headless[..100].fill(0);
    let damaged = [
        ("empty", Vec::new()),
        ("cut", whole[..middle].to_vec()),
        ("torn", torn),
        ("headless", headless),
        ("text", b"this is no database\n".repeat(500)),
    ];
    for (how, bytes) in damaged {
        fs::write(&path, &bytes).unwrap();
        let (code, errors) = refused(data.path());
        assert_eq!(code, 2, "{how}: {errors}");
        let is_said = errors.contains("is damaged") && errors.contains("left as it is");
        assert!(is_said && errors.contains("restore"), "{how}: {errors}");
        assert!(!errors.contains("panicked"), "{how}: {errors}");
        assert!(fs::read(&path).unwrap() == bytes, "{how}: it was changed");
    }
    fs::remove_file(&path).unwrap();
    fs::write(data.path().join("parlour.db-wal"), "what is left").unwrap();
    let (code, errors) = refused(data.path());
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("it is gone"), "{errors}");
    assert!(!path.exists(), "an empty one took its place");
    fs::remove_file(data.path().join("parlour.db-wal")).unwrap();
    fs::write(&path, &whole).unwrap();
    let server = launch(data.path());
    let mut carol = server.connect("carol");
    carol.send("carol\n");
    carol.find("{} [#lobby] alice: the last");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = launch(data.path());
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let (code, errors) = refused(data.path());
    assert_eq!(code, 2, "{errors}");
    assert!(
        errors.contains("another server uses the data folder"),
        "{errors}"
    );
    assert!(errors.contains("--data DIR"), "{errors}");
    said(&mut alice, &mut bob, "nothing happened to the first");
    // Killed, it lets go of the folder.
    drop(server);
    drop(launch(data.path()));
}

/// Goal: who holds the database delays those who write, and nobody else. Method: hold it from
/// another process; what needs no disk is answered at once meanwhile.
#[test]
fn a_database_that_somebody_else_holds_does_not_stall_the_loop() {
    let data = tempfile::tempdir().unwrap();
    let server = launch(data.path());
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let holder = Connection::open(database(data.path())).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    alice.send("waits for the disk\n");
    let held = clock::now();
    let mut slowest = Duration::ZERO;
    while held.elapsed() < Duration::from_secs(2) {
        let asked = clock::now();
        bob.send("/names\n");
        bob.expect("-> names #lobby: alice(plain) bob(plain)");
        slowest = slowest.max(asked.elapsed());
    }
    let mut carol = server.enter("carol");
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    holder.execute_batch("COMMIT").unwrap();
    bob.find("[#lobby] alice: waits for the disk");
    carol.find("[#lobby] alice: waits for the disk");
    // Held for longer than anybody should wait, the sender is told and nothing is shown.
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    alice.send("waits in vain\n");
    alice.find("Err: not stored, {}");
    bob.send("/names\n");
    bob.find("-> names #lobby: {}");
    holder.execute_batch("COMMIT").unwrap();
    said(&mut alice, &mut bob, "goes on");
    assert!(!bob.said().contains("waits in vain"));
    println!("slowest answer while the database was held for 2 s: {slowest:?}");
}

/// A small disk of its own; goes with this.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]);
        let status = mount.arg(folder.path()).status().unwrap();
        assert!(status.success(), "no tmpfs can be mounted");
        Self(folder)
    }

    /// Takes all space but so much; nothing is left when it is 0.
    fn fill(&self, left: u64) {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        let ballast = self.0.path().join("ballast");
        let mut file = OpenOptions::new().create(true).append(true).open(ballast);
        let zeros = vec![0; usize::try_from(free.saturating_sub(left)).unwrap()];
        file.as_mut().unwrap().write_all(&zeros).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still being killed may have files there.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Somebody who is there, and made an account.
fn with_account(server: &Server, name: &str) -> Conversation {
    let mut host = server.enter(name);
    host.send("/password\n");
    for _ in 0..2 {
        host.find("-> The new password{}");
        host.send("sesame\n");
    }
    host.find("-> {}");
    host
}

/// Goal: a full disk is told to those it concerns, harms nobody else, and is forgotten when there is
/// room again. Method: a disk of 16 MiB, filled in steps.
#[test]
fn a_full_disk_refuses_and_recovers_without_a_restart() {
    if !tools::is_root() {
        return;
    }
    let disk = SmallDisk::new("16m");
    let data = disk.0.path().join("data");
    let server = launch(&data);
    let mut host = with_account(&server, "host");
    let mut guest = server.enter("guest");
    said(&mut host, &mut guest, "there is room");

    // Nearly full: accounts only. The server looks now and then.
    disk.fill(600 * 1024);
    clock::wait_for("the server to see it", || {
        server.errors().contains("nearly full").then_some(())
    });
    guest.send("a guest, nearly full\n");
    guest.find("Err: not stored, the server's disk is nearly full {}");
    said(&mut host, &mut guest, "an account, nearly full");

    // Full: nobody. Everything else goes on.
    disk.fill(0);
    clock::wait_for("the server to see it", || {
        server
            .errors()
            .contains("all messages are refused")
            .then_some(())
    });
    for who in [&mut host, &mut guest] {
        who.send("full\n");
        who.find("Err: not stored, the server's disk is full{}");
    }
    guest.send("/names\n");
    guest.find("-> names #lobby: {}");
    guest.send("/history 3\n");
    guest.find("{} [#lobby] host: an account, nearly full");
    let late = server.enter("late");
    // A change may or may not find a place in what the database has already; it holds.
    host.send("/create den\n");
    host.find("{}#den{}");
    host.send("/set #den limit 77\n");
    host.find("{}");

    // Room again: without a restart.
    disk.empty();
    clock::wait_for("the server to see it", || {
        server
            .errors()
            .contains("enough space on the disk again")
            .then_some(())
    });
    host.send("/room #lobby\n");
    host.find("-> {}");
    said(&mut host, &mut guest, "room again");
    said(&mut guest, &mut host, "for everybody");
    assert!(
        !late.said().contains(": full"),
        "what was refused was shown"
    );

    drop(server);
    check_after_kill(&data);
}

/// What was decided on the full disk is there after a kill, and what was refused is not.
#[track_caller]
fn check_after_kill(data: &Path) {
    let server = launch(data);
    let mut reader = server.enter("reader");
    reader.send("/history 1h\n");
    let mut told = String::new();
    while !told.contains("for everybody") {
        told.push_str(&reader.line());
        told.push('\n');
    }
    for text in ["there is room", "an account, nearly full", "room again"] {
        assert_eq!(
            told.matches(&format!("host: {text}\n")).count(),
            1,
            "{told}"
        );
    }
    assert!(
        !told.contains(": full\n") && !told.contains("a guest, nearly"),
        "{told}"
    );
    reader.send("/rooms den\n");
    reader.find("-> #den {}");
}

/// Everything in a folder's files that is `text`.
fn places(data: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        let is_it = |window: &[u8]| window == text.as_bytes();
        let count = bytes.windows(text.len()).filter(|w| is_it(w)).count();
        if count > 0 {
            found.push(format!("{} x {count}", path.display()));
        }
    }
    found
}

/// Goal: what is taken back is gone: from the screen of newcomers at once, from the disk too.
/// Method: say a word among many of all lengths, so that the database rearranges its pages; take it
/// back; look at every byte of the folder.
#[test]
fn what_is_taken_back_is_gone_from_memory_and_from_every_file() {
    const SECRET: &str = "xylophonequartz";
    let data = tempfile::tempdir().unwrap();
    let mut server = launch(data.path());
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    for number in 0..300_usize {
        alice.send(format!("{number} {}\n", "w".repeat(number * 37 % 1_500)));
        if number % 30 == 7 {
            alice.send(format!("{} {SECRET}\n", "v".repeat(number * 5)));
        }
    }
    said(&mut alice, &mut bob, "the last");
    let secrets: Vec<usize> = (0..10).map(|turn| turn * 31 + 9).collect();
    let search = |who: &mut Conversation| {
        who.send(format!("/search {SECRET}\n"));
        who.line()
    };
    clock::wait_for("the index to follow", || {
        let line = search(&mut bob);
        line.contains(SECRET).then_some(())
    });
    assert!(!places(data.path(), SECRET).is_empty());
    for id in secrets {
        let words = ["erase", "#lobby", &id.to_string()];
        let (code, lines, errors) = admin(data.path(), &words, "");
        assert_eq!(code, 0, "{errors}");
        assert_eq!(lines, [format!("entry {id} of #lobby is taken back")]);
    }
    // The running server shows it to nobody any more, who is there or comes, in its place nothing.
    let mut carol = server.connect("carol");
    carol.send("carol\n/history 1000\n/search xylophonequartz\n/quit\n");
    let told = carol.rest();
    assert!(told.iter().any(|line| line.contains("the last")));
    let tells = |line: &&String| line.contains(SECRET) && !line.starts_with("->");
    assert_eq!(told.iter().find(tells), None);
    said(&mut bob, &mut alice, "and it goes on");
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    let before = places(data.path(), SECRET);
    let (code, lines, errors) = admin(data.path(), &["compact"], "");
    assert_eq!(code, 0, "{errors}");
    assert!(lines[0].contains("written anew"), "{lines:?}");
    assert_eq!(places(data.path(), SECRET), [""; 0], "before: {before:?}");
    println!("copies left before it was written anew: {before:?}");
    let server = launch(data.path());
    let mut dora = server.enter("dora");
    dora.send("/history 1000\n");
    dora.find("{} [#lobby] alice: the last");
    let (code, _, errors) = admin(data.path(), &["compact"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("stop it"), "{errors}");
}

/// Goal: a backup brought back elsewhere is the same server with an older history, and says so.
/// Method: a client that stays; its server dies, and another one takes its place.
#[test]
fn a_backup_restored_elsewhere_is_the_same_server_and_clients_are_told() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = launch(data.path());
    let fingerprint = server.ready("fingerprint").to_owned();
    let proxy = Proxy::start(server.sealed());
    let address = format!("parlour://{}#{fingerprint}", proxy.address());
    let home = Home::new();
    let arguments = ["--listen", "--retry", "30s", "--name", "bob", &address];
    let mut bob = home.start(&arguments);
    bob.find("-> You are bob {}");
    let mut alice = server.enter("alice");
    said(&mut alice, &mut bob, "before the backup");
    let file = elsewhere.path().join("backup.tar");
    let file = file.to_str().unwrap();
    let (code, _, errors) = admin(data.path(), &["backup", file], "");
    assert_eq!(code, 0, "{errors}");
    said(&mut alice, &mut bob, "after the backup");
    drop(server);
    let folder = elsewhere.path().join("data");
    let (code, _, errors) = admin(&folder, &["restore", file], "");
    assert_eq!(code, 0, "{errors}");
    let server = launch(&folder);
    assert_eq!(server.ready("fingerprint"), fingerprint);
    proxy.lead_to(server.sealed());
    bob.find("{}history was reset{}");
    let mut carol = server.connect("carol");
    carol.send("carol\n");
    carol.find("{} [#lobby] alice: before the backup");
    carol.find("-> You are carol {}");
    assert!(!carol.said().contains("after the backup"));
    said(&mut carol, &mut bob, "a new history");
}

/// Goal: after a failed fsync nothing is promised any more. Method: strace makes every fdatasync
/// of the server fail; it must end by itself, with words, and acknowledge nothing.
#[test]
fn a_failed_fsync_ends_the_server_in_clear_words() {
    let Some(strace) = tools::find(&["strace"]) else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    drop(launch(data.path()));
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        data: Some(data.path()),
        ..Setup::default()
    };
    let plain = setup.command(folder.path());
    let trace = folder.path().join("trace");
    // The first few are those of the start.
    let mut command = Command::new(strace);
    command
        .args(["-f", "-qq", "-e", "trace=fdatasync,fsync"])
        .args(["-e", "inject=fdatasync,fsync:error=EIO:when=20+", "-o"])
        .arg(&trace)
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .env("HOME", folder.path())
        .current_dir(folder.path());
    let mut program = Program::start("parlourd", &mut command);
    let ready = program.find("ready {}");
    let line = ready.split(' ').find_map(|word| word.strip_prefix("line="));
    let line = line.unwrap().split(',').next().unwrap().parse().unwrap();
    let mut alice = Conversation::connect("alice", line);
    alice.send("alice\n");
    alice.find("-> You are alice {}");
    let mut bob = Conversation::connect("bob", line);
    bob.send("bob\n");
    bob.find("-> You are bob {}");
    let mut shown = 0;
    for number in 0..100 {
        // One at a time, so that each has an fsync of its own; in the end nobody hears it.
        if alice.try_send(format!("number {number}\n")).is_err() {
            break;
        }
        if bob
            .find_or_end(&format!("[#lobby] alice: number {number}"))
            .is_none()
        {
            break;
        }
        shown = number + 1;
    }
    assert!(shown < 100, "it never failed");
    assert_eq!(program.exit_code(), 1);
    let errors = program.errors();
    assert!(
        errors.contains("the disk did not keep what it was given"),
        "{errors}"
    );
    // What was shown before is there.
    let server = launch(data.path());
    let mut carol = server.enter("carol");
    carol.send("/history 1000\n");
    if shown > 0 {
        carol.find(&format!("{{}} [#lobby] alice: number {}", shown - 1));
    }
}
