//! The container of a backup: a plain `tar` file, written and read as a stream, so that any machine can open one.
//!
//! Written here and not by a crate, because a reader that must find every flipped byte has to know every byte: headers
//! are made from name and size alone, and what is read must be exactly what would have been written. The contents are
//! covered by the manifest, which comes last and is covered by the digest behind it.
//!
//! It knows nothing of databases and passphrases.

use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

const BLOCK: usize = 512;
/// Octal numbers of 11 digits end here; larger sizes are written in base 256, as GNU tar does.
const OCTAL_MAX: u64 = 0o777_7777_7777;

/// SHA-256 of a member's contents.
pub(super) type Hash = [u8; 32];

/// Writes members one after the other.
pub(super) struct ArchiveWriter<W> {
    out: W,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes a member of exactly `size` bytes.
    ///
    /// # Errors
    /// The stream's own; `UnexpectedEof` when `contents` ends before `size`.
    pub(super) fn member(&mut self, name: &str, size: u64, contents: impl Read) -> io::Result<Hash> {
        self.out.write_all(&header(name, size)?)?;
        let mut counted = Hashed { inner: contents.take(size), hash: Sha256::new(), seen: 0 };
        io::copy(&mut counted, &mut self.out)?;
        if counted.seen != size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
        }
        self.out.write_all(&[0; BLOCK][..padding(size)])?;
        Ok(counted.hash.finalize().into())
    }

    /// Writes the end.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

/// Reads members one after the other.
pub(super) struct ArchiveReader<R> {
    input: R,
}

/// A member to be read.
#[derive(Debug)]
pub(super) struct MemberHeader {
    pub(super) name: String,
    pub(super) size: u64,
}

impl<R: Read> ArchiveReader<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input }
    }

    /// The next member; none at the end, behind which there is nothing.
    ///
    /// # Errors
    /// The stream's own; `InvalidData` for whatever was not written by [`ArchiveWriter`].
    pub(super) fn next(&mut self) -> io::Result<Option<MemberHeader>> {
        let mut block = [0; BLOCK];
        self.input.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            self.input.read_exact(&mut block)?;
            let rest = self.input.read(&mut [0; 1])?;
            return if block == [0; BLOCK] && rest == 0 { Ok(None) } else { Err(damaged("its end is not the end")) };
        }
        let (name, size) = parse(&block).ok_or_else(|| damaged("a member's header is none"))?;
        if header(&name, size)? != block {
            return Err(damaged("a member's header is not as it was written"));
        }
        Ok(Some(MemberHeader { name, size }))
    }

    /// Copies the contents of the member that [`Self::next`] named, and answers with their hash.
    ///
    /// # Errors
    /// Either stream's own.
    pub(super) fn contents(&mut self, head: &MemberHeader, out: &mut impl Write) -> io::Result<Hash> {
        let mut counted = Hashed { inner: (&mut self.input).take(head.size), hash: Sha256::new(), seen: 0 };
        io::copy(&mut counted, out)?;
        if counted.seen != head.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let hash = counted.hash.finalize().into();
        let mut rest = [0; BLOCK];
        let rest = &mut rest[..padding(head.size)];
        self.input.read_exact(rest)?;
        if rest.iter().any(|b| *b != 0) {
            return Err(damaged("there is something between two members"));
        }
        Ok(hash)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    if over == 0 { 0 } else { BLOCK - over }
}

/// POSIX.1-1988 ustar: a regular file, mode 0600, of nobody, of no time. Two backups of the same data are the same.
fn header(name: &str, size: u64) -> io::Result<[u8; BLOCK]> {
    let mut h = [0u8; BLOCK];
    let (prefix, name) = split(name)?;
    h[..name.len()].copy_from_slice(name.as_bytes());
    h[100..108].copy_from_slice(b"0000600\0");
    h[108..116].copy_from_slice(b"0000000\0");
    h[116..124].copy_from_slice(b"0000000\0");
    if size <= OCTAL_MAX {
        h[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    } else {
        h[124] = 0x80;
        h[128..136].copy_from_slice(&size.to_be_bytes());
    }
    h[136..148].copy_from_slice(b"00000000000\0");
    h[156] = b'0';
    h[257..265].copy_from_slice(b"ustar\x0000");
    h[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    // The checksum counts its own field as blanks.
    let sum = h.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * u32::from(b' ');
    h[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(h)
}

/// A name of up to 100 bytes stands alone; a longer one is cut at a slash, with up to 155 bytes before it.
fn split(name: &str) -> io::Result<(&str, &str)> {
    if !name.is_empty() && name.len() <= 100 {
        return Ok(("", name));
    }
    let cut = name.match_indices('/').find(|(at, _)| name.len() - at - 1 <= 100).filter(|(at, _)| *at <= 155);
    match cut {
        Some((at, _)) if at > 0 && at + 1 < name.len() => Ok((&name[..at], &name[at + 1..])),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} fits in no archive"))),
    }
}

fn parse(h: &[u8; BLOCK]) -> Option<(String, u64)> {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).ok().map(str::to_owned)
    };
    let (prefix, name) = (text(&h[345..500])?, text(&h[..100])?);
    let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let size = match h[124] {
        0x80 => u64::from_be_bytes(h[128..136].try_into().ok()?),
        _ => u64::from_str_radix(text(&h[124..136])?.as_str(), 8).ok()?,
    };
    Some((name, size))
}

/// Hashes and counts what is read through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    seen: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hash.update(&buf[..n]);
        self.seen += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut w = ArchiveWriter::new(Vec::new());
        w.member("a.txt", 3, &b"abc"[..]).expect("written");
        w.member(&format!("{}/{}", "d".repeat(120), "e".repeat(90)), 512, &[7u8; 512][..]).expect("written");
        w.member("empty", 0, &b""[..]).expect("written");
        w.finish().expect("its end")
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut r = ArchiveReader::new(bytes);
        let mut all = Vec::new();
        while let Some(head) = r.next()? {
            let mut contents = Vec::new();
            r.contents(&head, &mut contents)?;
            all.push((head.name, contents));
        }
        Ok(all)
    }

    #[test]
    fn what_is_written_is_read_and_tar_reads_it_too() {
        let bytes = archive();
        let all = read(&bytes).expect("read");
        assert_eq!((all.len(), &all[0]), (3, &("a.txt".to_owned(), b"abc".to_vec())));
        assert_eq!((all[1].0.len(), all[1].1.len()), (211, 512));
        let dir = tempfile::TempDir::new().expect("a directory");
        let file = dir.path().join("a.tar");
        std::fs::write(&file, &bytes).expect("written");
        let listed = std::process::Command::new("tar").arg("tf").arg(&file).output().expect("tar");
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        assert_eq!(listed.lines().collect::<Vec<_>>(), all.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn outside_the_contents_every_byte_counts() {
        let good = archive();
        let contents = [512..515, 1536..2048];
        for at in (0..good.len()).filter(|at| !contents.iter().any(|c| c.contains(at))) {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            assert!(read(&bad).is_err(), "byte {at}");
        }
        for cut in [0, 511, 513, good.len() - 1] {
            assert!(read(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read(&[&good[..], b"x"].concat()).is_err(), "something behind the end");
    }

    #[test]
    fn large_sizes_and_bad_names() {
        for size in [0, OCTAL_MAX, OCTAL_MAX + 1, 1 << 40] {
            assert_eq!(parse(&header("x", size).expect("a header")), Some(("x".into(), size)));
        }
        for bad in ["", &"x".repeat(101), &format!("{}/x", "d".repeat(156))] {
            assert!(header(bad, 1).is_err(), "{bad}");
        }
        let short = ArchiveWriter::new(Vec::new()).member("x", 4, &b"abc"[..]);
        assert_eq!(short.expect_err("it became shorter").kind(), io::ErrorKind::UnexpectedEof);
    }
}
