//! Files when something is amiss: receivers of every speed, full disks on either side, files that
//! cannot be sent or do not stay as they are, and one that no 32 bits can count.

use crate::files::{FETCH_ALL, assert_got, content, longest, put, receive, send, stored, with};
use crate::harness::{Home, Program, Server, SmallDisk, clock, tools};
use rustix::process::Signal;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Everybody comes from one address.
const TRUSTED: &str = "trusted = [\"127.0.0.0/8\"]\n";
const MIB: usize = 1024 * 1024;

/// Goal: each of many receivers gets the whole file, however fast it takes it. Method: fifty
/// programs, a fifth of which run all the time, a fifth half of it, and so on; half of them are
/// there when the file comes.
#[test]
fn fifty_receivers_of_different_speeds_get_the_same_file() {
    const RECEIVERS: usize = 50;
    const TICK: Duration = Duration::from_millis(20);
    let server = Server::with_config(TRUSTED);
    let address = server.ready("address");
    let (alice, file) = (Home::new(), content(300_000, 11));
    put(&alice, "shared", &file);
    let homes: Vec<Home> = (0..RECEIVERS).map(|_| Home::new()).collect();
    let names: Vec<String> = (0..RECEIVERS).map(|index| format!("r{index}")).collect();
    let words = [&FETCH_ALL[..], &["--wait", "1"]].concat();
    let start = |index: usize| homes[index].start(&with(&words, &names[index], address));
    let mut receivers: Vec<Program> = (0..RECEIVERS / 2).map(start).collect();
    send(&alice, &server, &["shared", "--to", "#lobby"]);
    receivers.extend((RECEIVERS / 2..RECEIVERS).map(start));
    let mut waiting: Vec<usize> = (0..RECEIVERS).collect();
    let begin = clock::now();
    for tick in 0_usize.. {
        let has_it = |index: &usize| homes[*index].folder().join("in/shared").exists();
        for index in waiting.extract_if(.., |index| has_it(index)) {
            receivers[index].signal(Signal::CONT);
        }
        if waiting.is_empty() {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{waiting:?}");
        for index in &waiting {
            let runs = tick.is_multiple_of(index % 5 + 1);
            let signal = if runs { Signal::CONT } else { Signal::STOP };
            receivers[*index].signal(signal);
        }
        std::thread::sleep(TICK);
    }
    for (receiver, home) in receivers.iter_mut().zip(&homes) {
        assert_eq!(receiver.exit_code(), 0);
        assert_got(home, "shared", &file);
    }
}

/// Goal: the server keeps its disk's reserve, before and during, says so, and goes on when there is
/// room. Method: a disk of 24 MiB that is filled while a file comes.
#[test]
fn a_server_whose_disk_is_nearly_full_refuses_stops_and_goes_on_later() {
    if !tools::is_root() {
        return;
    }
    let disk = SmallDisk::new("24m");
    let data = disk.folder().join("data");
    let server = Server::launch(&stored(&data, "127.0.0.1:0"));
    let address = server.ready("address");
    let (alice, bob) = (Home::new(), Home::new());
    let file = content(8 * MIB, 12);
    put(&alice, "long", &file);
    let too_long = File::create(alice.folder().join("too long")).unwrap();
    too_long.set_len(24 * 1024 * 1024).unwrap();
    let words = with(&["send", "too long", "--to", "#lobby"], "alice", address);
    let (code, _, errors) = alice.run(&words, "");
    assert_eq!(code, 1);
    assert!(errors.contains("disk"), "{errors}");
    assert_eq!(longest(&data, ".bytes"), 0);

    let words = with(&["send", "long", "--to", "#lobby"], "alice", address);
    let mut sender = alice.start(&words);
    let some = || (longest(&data, ".bytes") >= 1024 * 1024).then_some(());
    clock::wait_for("some of the file", some);
    // It must not be through before the disk is full.
    sender.signal(Signal::STOP);
    disk.fill(1024 * 1024);
    sender.signal(Signal::CONT);
    assert_eq!(sender.exit_code(), 1);
    let errors = sender.errors();
    assert!(errors.contains("disk is nearly full"), "{errors}");
    let before = longest(&data, ".bytes");
    assert!(before < 8 * 1024 * 1024, "it came through");
    // Who is there notices nothing.
    let mut guest = server.enter("guest");
    guest.send("/names\n");
    guest.find("-> names #lobby: {}");

    disk.empty();
    let said = send(&alice, &server, &["long", "--to", "#lobby"]);
    // The first was refused, but had its number.
    assert!(said.contains("N 2"), "it goes on: {said}");
    let (code, _, errors) = receive(&bob, "bob", &server);
    assert_eq!(code, 0, "{errors}");
    assert_got(&bob, "long", &file);
}

#[test]
fn a_receiver_whose_disk_is_full_says_so_and_goes_on_when_there_is_room() {
    if !tools::is_root() {
        return;
    }
    let server = Server::start();
    let (alice, bob) = (Home::new(), Home::new());
    let file = content(4 * MIB, 13);
    put(&alice, "long", &file);
    send(&alice, &server, &["long", "--to", "#lobby"]);
    let disk = SmallDisk::new("8m");
    disk.fill(2 * 1024 * 1024);
    let folder = disk.folder().to_str().unwrap();
    let words = ["receive", "--accept-all", "--downloads", folder];
    let words = with(&words, "bob", server.ready("address"));
    let (code, lines, errors) = bob.run(&words, "");
    assert_eq!((code, lines.len()), (1, 0), "{errors}");
    assert!(errors.contains(".part cannot be written"), "{errors}");
    assert!(errors.contains("No space left on device"), "{errors}");
    assert!(!disk.folder().join("long").exists());
    disk.empty();
    let (code, _, errors) = bob.run(&words, "");
    assert_eq!(code, 0, "{errors}");
    assert!(fs::read(disk.folder().join("long")).unwrap() == file);
    assert_eq!(longest(disk.folder(), ".part"), 0, "nothing is left over");
}

/// Goal: what changes under its sender is not passed off as a file. Method: change it when some has
/// come.
#[test]
fn a_file_that_grows_or_shrinks_while_it_is_sent_is_given_up_in_clear_words() {
    for (bytes, complaint) in [
        (12 * 1024 * 1024 + 1, "long grew while it was sent"),
        (2 * 1024 * 1024, "long shrank while it was sent"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::launch(&stored(data.path(), "127.0.0.1:0"));
        let (alice, bob) = (Home::new(), Home::new());
        put(&alice, "long", &content(12 * MIB, 14));
        let words = ["send", "long", "--to", "#lobby"];
        let mut sender = alice.start(&with(&words, "alice", server.ready("address")));
        let some = || (longest(data.path(), ".bytes") >= 1024 * 1024).then_some(());
        clock::wait_for("some of the file", some);
        let path = alice.folder().join("long");
        let open = OpenOptions::new().write(true).open(path).unwrap();
        open.set_len(bytes).unwrap();
        assert_eq!(sender.exit_code(), 1);
        let errors = sender.errors();
        assert!(errors.contains(complaint), "{errors}");
        // Nobody gets a file of that name.
        let waiting = [&FETCH_ALL[..], &["--wait", "1"]].concat();
        let receiver = bob.start(&with(&waiting, "bob", server.ready("address")));
        let mut witness = server.enter("witness");
        witness.send("/files\n");
        witness.find("-> {}");
        assert!(!bob.folder().join("in/long").exists());
        drop(receiver);
    }
}

#[test]
fn what_is_no_file_or_may_not_be_read_is_said_before_anything_is_connected_to() {
    let alice = Home::new();
    let fifo = alice.folder().join("pipe");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    fs::create_dir(alice.folder().join("folder")).unwrap();
    let arguments = |file| {
        let words = ["send", file, "--to", "bob", "--name", "alice"];
        [&words[..], &["--server", "localhost:1"]].concat()
    };
    for (file, complaint) in [
        ("folder", "is a folder"),
        ("pipe", "is no file"),
        ("/dev/zero", "is no file"),
        ("nothing", "cannot be opened"),
    ] {
        let (code, _, errors) = alice.run(&arguments(file), "");
        assert_eq!(code, 1, "{file}: {errors}");
        assert!(errors.contains(complaint), "{file}: {errors}");
    }
    put(&alice, "secret", b"secret");
    let secret = alice.folder().join("secret");
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    allow(&secret, 0o000).unwrap();
    let mut command = alice.command(&arguments("secret"));
    if rustix::process::geteuid().is_root() {
        // Who may read everything is nobody here.
        allow(alice.folder(), 0o755).unwrap();
        command.uid(65_534).gid(65_534);
    }
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{errors}");
            assert!(errors.contains("secret cannot be opened"), "{errors}");
            assert!(errors.contains("Permission denied"), "{errors}");
        }
        // The program lies where nobody may go.
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
}

/// Goal: lengths of more than 32 bits are counted right, in every direction. Method: a file of
/// 4 GiB and a byte that is mostly holes, marked around the places where a count could wrap. It
/// takes 9 GB of disk and some minutes, so it is asked for: `PARLOUR_HUGE=1`, best with
/// `cargo test --release`.
#[test]
fn a_file_of_four_gibibytes_and_a_byte_comes_as_it_was_sent() {
    const BYTES: u64 = (1 << 32) + 1;
    if std::env::var_os("PARLOUR_HUGE").is_none() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&stored(data.path(), "127.0.0.1:0"));
    let (alice, bob) = (Home::new(), Home::new());
    let path = alice.folder().join("huge");
    let file = File::create(&path).unwrap();
    file.set_len(BYTES).unwrap();
    for place in [0, 1 << 31, (1 << 32) - 4, BYTES - 1] {
        file.write_all_at(&[0xA5], place).unwrap();
    }
    let address = server.ready("address");
    let begin = clock::now();
    let waiting = [&FETCH_ALL[..], &["--wait", "1"]].concat();
    // No deadline of the harness: it takes as long as it takes.
    let mut receiver = bob.command(&with(&waiting, "bob", address));
    let mut receiver = receiver.stdout(Stdio::null()).spawn().unwrap();
    let words = with(&["send", "huge", "--to", "#lobby"], "alice", address);
    let sent = alice.command(&words).output().unwrap();
    let errors = String::from_utf8_lossy(&sent.stderr);
    assert_eq!(sent.status.code(), Some(0), "{errors}");
    let sending = begin.elapsed();
    assert!(receiver.wait().unwrap().success());
    let receiving = begin.elapsed();
    assert_same(&path, &bob.folder().join("in/huge"));
    println!("4 GiB and a byte: sent after {sending:?}, received after {receiving:?}");
}

/// Compares two files without having them in memory.
#[track_caller]
fn assert_same(expected: &Path, found: &Path) {
    let mut files = [expected, found].map(|path| File::open(path).unwrap());
    let lengths = files.each_ref().map(|file| file.metadata().unwrap().len());
    assert_eq!(lengths[0], lengths[1]);
    let mut blocks = [vec![0; MIB], vec![0; MIB]];
    let mut left = lengths[0];
    while left > 0 {
        let length = usize::try_from(left).map_or(MIB, |left| left.min(MIB));
        for (file, block) in files.iter_mut().zip(&mut blocks) {
            file.read_exact(&mut block[..length]).unwrap();
        }
        assert!(blocks[0][..length] == blocks[1][..length], "{left} to go");
        left -= length as u64;
    }
}
