//! The least of tar that a backup needs: a few regular files, one after the other.
//!
//! # Source
//!
//! The `ustar` format of POSIX.1-1988; sizes beyond eight gigabytes are written in base 256, as
//! GNU tar does and reads.

use std::io::{self, ErrorKind, Read, Write};

/// Everything in an archive comes in such blocks.
const BLOCK_BYTES: usize = 512;
/// Where the parts of a header are.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;
const MAGIC: std::ops::Range<usize> = 257..265;
/// The largest size that eleven octal digits can say.
const OCTAL_MAX: u64 = 0o777_7777_7777;

/// Writes one file, readable by its owner only.
///
/// # Errors
///
/// When `out` refuses, or `content` is not as long as it was said to be.
pub(super) fn write_file(
    out: &mut impl Write,
    name: &str,
    bytes: u64,
    content: &mut impl Read,
) -> io::Result<()> {
    out.write_all(&header(name, bytes))?;
    let copied = io::copy(&mut content.take(bytes), out)?;
    if copied != bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    out.write_all(&[0; BLOCK_BYTES][..padding(bytes)])
}

/// Writes the end of the archive.
///
/// # Errors
///
/// When `out` refuses.
pub(super) fn write_end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK_BYTES])
}

/// Reads the next file's name and size; none at the end. Its content follows, then
/// [`skip_padding`].
///
/// # Errors
///
/// When it is no archive of ours, or cut off.
pub(super) fn read_header(from: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    let mut block = [0; BLOCK_BYTES];
    from.read_exact(&mut block)?;
    if block == [0; BLOCK_BYTES] {
        return Ok(None);
    }
    let mistake = || io::Error::new(ErrorKind::InvalidData, "it is no backup of Parlour");
    if block[SUM] != sum(&block) {
        return Err(mistake());
    }
    let name = block[NAME].split(|byte| *byte == 0).next().unwrap_or(&[]);
    let name = std::str::from_utf8(name).map_err(|_| mistake())?;
    let size = match block[SIZE.start] {
        0x80 => {
            let tail = block[SIZE.end - 8..SIZE.end].try_into();
            u64::from_be_bytes(tail.expect("eight bytes"))
        }
        _ => {
            let digits = std::str::from_utf8(&block[SIZE]).map_err(|_| mistake())?;
            let digits = digits.trim_matches(['\0', ' ']);
            u64::from_str_radix(digits, 8).map_err(|_| mistake())?
        }
    };
    Ok(Some((name.to_owned(), size)))
}

/// Reads what stands behind a file of so many bytes.
///
/// # Errors
///
/// When it is cut off.
pub(super) fn skip_padding(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    let mut block = [0; BLOCK_BYTES];
    from.read_exact(&mut block[..padding(bytes)])
}

fn padding(bytes: u64) -> usize {
    let block = u64::try_from(BLOCK_BYTES).expect("a small number");
    let rest = bytes.next_multiple_of(block) - bytes;
    usize::try_from(rest).expect("less than a block")
}

fn header(name: &str, bytes: u64) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(NAME.start, name.as_bytes());
    put(100, b"0000600\0");
    // Owner and group: root, which everybody may unpack as themselves.
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    if bytes <= OCTAL_MAX {
        put(SIZE.start, format!("{bytes:011o}\0").as_bytes());
    } else {
        put(SIZE.start, &[0x80]);
        put(SIZE.end - 8, &bytes.to_be_bytes());
    }
    put(136, b"00000000000\0");
    put(156, b"0");
    put(MAGIC.start, b"ustar\x0000");
    let sum = sum(&block);
    block[SUM].copy_from_slice(&sum);
    block
}

/// The sum of all bytes, its own place counted as spaces.
fn sum(block: &[u8; BLOCK_BYTES]) -> [u8; 8] {
    let outside = block[..SUM.start].iter().chain(&block[SUM.end..]);
    let sum: u32 = outside.map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ');
    let mut text = *b"000000\0 ";
    text[..6].copy_from_slice(format!("{sum:06o}").as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back_as_they_went_in() {
        let mut archive = Vec::new();
        let files: [(&str, &[u8]); 3] = [("one", b"hello"), ("two", b""), ("three", &[7; 512])];
        for (name, content) in files {
            let bytes = u64::try_from(content.len()).unwrap();
            write_file(&mut archive, name, bytes, &mut &*content).unwrap();
        }
        write_end(&mut archive).unwrap();
        assert_eq!(archive.len() % BLOCK_BYTES, 0);
        let mut from = archive.as_slice();
        for (name, content) in files {
            let (found, bytes) = read_header(&mut from).unwrap().unwrap();
            assert_eq!(found, name);
            let mut read = Vec::new();
            from.by_ref().take(bytes).read_to_end(&mut read).unwrap();
            assert_eq!(read, content);
            skip_padding(&mut from, bytes).unwrap();
        }
        assert_eq!(read_header(&mut from).unwrap(), None);
    }

    #[test]
    fn sizes_of_any_number_can_be_said_and_nonsense_is_refused() {
        for bytes in [0, 511, OCTAL_MAX, OCTAL_MAX + 1, u64::MAX] {
            let block = header("x", bytes);
            let read = read_header(&mut &block[..]).unwrap();
            assert_eq!(read, Some(("x".to_owned(), bytes)));
        }
        let mut block = header("x", 5);
        block[3] ^= 1;
        assert!(read_header(&mut &block[..]).is_err());
        assert!(read_header(&mut &block[..100]).is_err());
        assert!(write_file(&mut Vec::new(), "x", 9, &mut &b"short"[..]).is_err());
    }
}
