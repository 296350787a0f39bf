//! The spool on a disk and in memory do the same; the one on a disk outlives its process.

use super::*;
use crate::chat::{Epoch, Name, OfferPlace, Party, RoomId, SessionId};
use std::path::Path;

const EPOCH: Epoch = Epoch([7; 16]);
const DIGEST: Digest = Digest([9; 32]);

fn party(name: &str) -> Party {
    Party {
        name: Name::parse(name).unwrap(),
        account: None,
        session: Some(SessionId(u64::MAX)),
        key: Some(crate::chat::ClientKey([3; 20])),
    }
}

fn offer(file: u64, bytes: u64) -> OfferRecord {
    OfferRecord {
        file: FileId(file),
        by: party("bob"),
        place: OfferPlace::Room(RoomId(1)),
        name: "a name.txt".into(),
        bytes,
        digest: None,
        since_unix_ms: 5,
        is_whole: false,
    }
}

fn opened(folder: &Path) -> OpenedSpool {
    DiskSpool::open_in(folder, EPOCH).unwrap()
}

fn exercise(spool: &mut dyn Spool, reader: &mut dyn SpoolReader) {
    let file = FileId(1);
    assert_eq!(spool.append(file, 0, b"x"), Err(SpoolFailure::Io));
    spool.open(&offer(1, 10)).unwrap();
    assert_eq!(spool.append(file, 0, b"hello"), Ok(5));
    assert_eq!(reader.read(file, 1, 4), Ok(b"ello".to_vec()));
    assert_eq!(reader.read(file, 1, 5), Err(SpoolFailure::Io));
    assert_eq!(spool.append(file, 4, b"x"), Err(SpoolFailure::Io));
    assert_eq!(spool.append(file, 5, b"world"), Ok(10));
    assert_eq!(reader.read(file, 3, 4), Ok(b"lowo".to_vec()));
    spool.finish(file, DIGEST).unwrap();
    spool.remove(file);
    reader.forget(file);
    assert_eq!(reader.read(file, 0, 1), Err(SpoolFailure::Io));
    spool.remove(file);
}

#[test]
fn both_spools_give_back_what_they_were_given() {
    let mut memory = MemorySpool::default();
    let mut reader = memory.reader();
    exercise(&mut memory, &mut reader);
    let folder = tempfile::tempdir().unwrap();
    let mut disk = opened(folder.path());
    exercise(&mut disk.spool, &mut disk.reader);
}

#[test]
fn what_is_there_outlives_the_process_and_numbers_are_never_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = opened(folder.path());
    let (whole, part, gone) = (FileId(1), FileId(2), FileId(3));
    let private = OfferRecord {
        place: OfferPlace::Person(party("carol")),
        digest: Some(DIGEST),
        ..offer(2, 10)
    };
    disk.spool.open(&offer(1, 3)).unwrap();
    disk.spool.open(&private).unwrap();
    disk.spool.open(&offer(3, 10)).unwrap();
    disk.spool.append(whole, 0, b"abc").unwrap();
    disk.spool.finish(whole, DIGEST).unwrap();
    disk.spool.append(part, 0, b"half").unwrap();
    disk.spool.remove(gone);
    drop(disk);
    let mut disk = opened(folder.path());
    let finished = OfferRecord {
        digest: Some(DIGEST),
        is_whole: true,
        ..offer(1, 3)
    };
    assert_eq!(disk.offers, [(finished, 3), (private, 4)]);
    assert_eq!(disk.last, gone);
    assert_eq!(disk.spool.append(part, 4, b"-"), Ok(5));
    assert_eq!(disk.reader.read(part, 0, 5), Ok(b"half-".to_vec()));
}

#[test]
fn what_lacks_its_other_half_or_belongs_to_another_history_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = opened(folder.path());
    for file in 1..=4 {
        disk.spool.open(&offer(file, 3)).unwrap();
    }
    disk.spool.append(FileId(4), 0, b"abc").unwrap();
    let within = folder.path().join("spool").join("07".repeat(16));
    std::fs::remove_file(within.join("1.bytes")).unwrap();
    std::fs::remove_file(within.join("2.offer")).unwrap();
    std::fs::write(within.join("3.offer"), b"nonsense").unwrap();
    std::fs::write(within.join("4.bytes"), b"too long").unwrap();
    std::fs::write(within.join("5.offer.new"), b"cut short").unwrap();
    drop(disk);
    assert!(opened(folder.path()).offers.is_empty());
    let left: Vec<_> = std::fs::read_dir(&within).unwrap().collect();
    assert_eq!(left.len(), 1, "only the last number is left");
    let other = DiskSpool::open_in(folder.path(), Epoch([8; 16])).unwrap();
    assert_eq!(other.last, FileId(0));
    assert!(!within.exists());
}

#[test]
fn a_damaged_record_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = opened(folder.path());
    let within = folder.path().join("spool").join("07".repeat(16));
    for file in 1..=2 {
        disk.spool.open(&offer(file, 3)).unwrap();
        let absurd = record::encode(&offer(file, u64::MAX));
        std::fs::write(within.join(format!("{file}.offer")), absurd).unwrap();
    }
    drop(disk);
    let mut disk = opened(folder.path());
    assert_eq!(disk.offers.len(), 2);
    assert_eq!(disk.spool.append(FileId(1), 0, b"x"), Ok(1));
    let full = Err(SpoolFailure::DiskFull);
    assert_eq!(disk.spool.open(&offer(3, 1)), full, "so much is promised");
    disk.spool.remove(FileId(1));
    disk.spool.remove(FileId(2));
    assert_eq!(disk.spool.open(&offer(4, 1)), Ok(()));
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = opened(folder.path());
    disk.spool.open(&offer(1, 3)).unwrap();
    disk.spool.append(FileId(1), 0, b"abc").unwrap();
    drop(disk);
    let within = folder.path().join("spool").join("07".repeat(16));
    // It can be opened and not be read, whoever asks.
    std::fs::remove_file(within.join("1.offer")).unwrap();
    std::fs::create_dir(within.join("1.offer")).unwrap();
    assert!(DiskSpool::open_in(folder.path(), EPOCH).is_err());
    assert!(within.join("1.bytes").exists(), "nothing was deleted");
}
