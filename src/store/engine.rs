//! SQLite as the writer uses it: the log's writes joined, one call of the system for all pages of a commit; and a log that
//! grows in steps.
//!
//! SQLite writes each page of its log by itself, and the 24 bytes before it by themselves, too: some 45 calls a message,
//! each of which begins in the middle of a block. SQLite's own way to change that is a file system of one's own (a
//! "VFS"): this one opens every file as the ordinary one does, and stands before it for the log alone. There it keeps
//! what is written until the page is there with which a transaction ends, and writes it in one piece. Nothing that was
//! committed ever waits here: neither for the sync that follows, nor for readers, who look at a page only after it. And
//! whatever else is asked of the file is asked after what waits was written.
//!
//! A log that somebody reads all the time, as Litestream does, cannot begin anew and grows with each commit. Then each sync
//! waits for the file's new length, too, which file systems write elsewhere: a third of the time of a commit. So a log that
//! has become long is lengthened by zeros, before there is anything to write there; no page begins with them, and whoever
//! reads a log stops there.
//!
//! Shape of the log: <https://sqlite.org/fileformat2.html#walformat>. The calls: <https://sqlite.org/c3ref/vfs.html>.
#![allow(unsafe_code)] // SQLite's interface for it is one of C.

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::size_of,
    ptr, slice,
    sync::OnceLock,
};

/// What it is called when a connection is opened.
const NAME: &CStr = c"joined-log";

/// Bytes before each page of the log.
const FRAME_HEADER: usize = 24;

/// Bytes that wait at most, and a larger transaction is written in pieces: SQLite's ordinary file system takes a length of
/// 17 bits.
const MOST: usize = 0x1_ffff;

/// A log is lengthened by so many bytes, from the length on at which it would have begun anew if nobody read it (16 MB).
const STEP: sqlite3_int64 = 1024 * 1024;
const LENGTHENED_FROM: sqlite3_int64 = 16 * 1024 * 1024;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The file system by the name under which a connection asks for it; none where SQLite would not take it, and the ordinary
/// one serves. Call it before anything else is asked of SQLite.
pub(super) fn vfs() -> Option<&'static CStr> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    REGISTERED.get_or_init(register).then_some(NAME)
}

fn register() -> bool {
    // SAFETY: the ordinary file system is found or null, and stays where it is; ours is a copy of it that lives as long
    // as the program. The functions that are copied do not look at `pAppData`, only the one that opens does.
    unsafe {
        // Nobody asks how much memory SQLite has, and counting takes a lock at each allocation. Refused where SQLite has
        // already been used, in which case it goes on counting.
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, c_int::from(false));
        let ordinary = ffi::sqlite3_vfs_find(ptr::null());
        if ordinary.is_null() {
            return false;
        }
        let mut ours = *ordinary;
        ours.pNext = ptr::null_mut();
        ours.zName = NAME.as_ptr();
        ours.pAppData = ordinary.cast();
        ours.szOsFile += size_of::<LogFile>() as c_int;
        ours.xOpen = Some(open);
        ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 0) == ffi::SQLITE_OK
    }
}

/// The log as SQLite holds it; the ordinary file lies behind it in the same memory.
#[repr(C)]
struct LogFile {
    /// First, as SQLite's interface asks for.
    head: sqlite3_file,
    waiting: *mut PendingWrite,
}

/// What was written and is not in the file yet.
#[derive(Default)]
struct PendingWrite {
    bytes: Vec<u8>,
    /// Where the first of them belongs.
    at: sqlite3_int64,
    /// What was written last.
    last: LastWrite,
    /// How long the file is at least, as far as it was asked.
    reaches: sqlite3_int64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum LastWrite {
    #[default]
    Other,
    /// The bytes before a page.
    Header { of_commit: bool },
}

impl LogFile {
    /// The ordinary file behind it.
    unsafe fn ordinary(file: *mut sqlite3_file) -> *mut sqlite3_file {
        // SAFETY: SQLite gives as much memory as `szOsFile` asks for, and `LogFile` keeps the alignment of a pointer.
        unsafe { file.cast::<LogFile>().add(1).cast() }
    }

    /// What waits for it, and the ordinary file that it waits for.
    unsafe fn parts<'a>(file: *mut sqlite3_file) -> (&'a mut PendingWrite, *mut sqlite3_file) {
        // SAFETY: made when the file was opened; SQLite uses a file from one thread at a time.
        unsafe { (&mut *(*file.cast::<LogFile>()).waiting, Self::ordinary(file)) }
    }
}

impl PendingWrite {
    /// Puts all of it into the `ordinary` file.
    unsafe fn flush(&mut self, ordinary: *mut sqlite3_file) -> c_int {
        self.last = LastWrite::Other;
        if self.bytes.is_empty() {
            return ffi::SQLITE_OK;
        }
        // SAFETY: the file is open as long as that of this value is, and the bytes stay as they are meanwhile.
        let written = unsafe {
            let write = (*(*ordinary).pMethods).xWrite;
            write.map_or(ffi::SQLITE_IOERR_WRITE, |write| {
                write(ordinary, self.bytes.as_ptr().cast(), self.bytes.len() as c_int, self.at)
            })
        };
        let end = self.at + self.bytes.len() as sqlite3_int64;
        self.bytes.clear();
        if written == ffi::SQLITE_OK && end > self.reaches.max(LENGTHENED_FROM) {
            // SAFETY: as above.
            self.reaches = unsafe { lengthen(ordinary, end) };
        }
        written
    }
}

/// Lengthens a file whose bytes up to `end` are written, if it ends there; how long it is then, or longer than `end`. A disk
/// without room for it is none of a commit's affair.
unsafe fn lengthen(ordinary: *mut sqlite3_file, end: sqlite3_int64) -> sqlite3_int64 {
    // SAFETY: the file is open; the zeros stay where they are.
    unsafe {
        let (Some(ask), Some(write)) = ((*(*ordinary).pMethods).xFileSize, (*(*ordinary).pMethods).xWrite) else {
            return end;
        };
        let mut size = end;
        if ask(ordinary, &raw mut size) != ffi::SQLITE_OK || size > end {
            return size.max(end);
        }
        let mut at = end;
        while at < end + STEP && write(ordinary, ZEROS.as_ptr().cast(), ZEROS.len() as c_int, at) == ffi::SQLITE_OK {
            at += ZEROS.len() as sqlite3_int64;
        }
        at
    }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    given: *mut c_int,
) -> c_int {
    // SAFETY: `pAppData` is the ordinary file system, and the memory at `file` is large enough for either kind of file.
    unsafe {
        let ordinary = (*vfs).pAppData.cast::<sqlite3_vfs>();
        let Some(open) = (*ordinary).xOpen else { return ffi::SQLITE_CANTOPEN };
        if flags & ffi::SQLITE_OPEN_WAL == 0 {
            return open(ordinary, name, file, flags, given);
        }
        (*file).pMethods = ptr::null();
        let behind = LogFile::ordinary(file);
        let opened = open(ordinary, name, behind, flags, given);
        // A file with methods is closed by SQLite, opened or not.
        if !(*behind).pMethods.is_null() {
            (*file.cast::<LogFile>()).waiting = Box::into_raw(Box::default());
            (*file).pMethods = &raw const METHODS;
        }
        opened
    }
}

/// Version 1: neither shared memory nor mapping, which SQLite asks of the database's own file alone.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: `data` holds `amount` bytes, says SQLite.
    let (waiting, ordinary, given) = unsafe {
        let (waiting, ordinary) = LogFile::parts(file);
        (waiting, ordinary, slice::from_raw_parts(data.cast::<u8>(), usize::try_from(amount).unwrap_or(0)))
    };
    let goes_on = waiting.at + waiting.bytes.len() as sqlite3_int64 == offset;
    if !goes_on || waiting.bytes.len() + given.len() > MOST {
        // SAFETY: it is the file behind this one.
        let flushed = unsafe { waiting.flush(ordinary) };
        if flushed != ffi::SQLITE_OK {
            return flushed;
        }
        waiting.at = offset;
    }
    // A transaction that was written over what it had written before ends with its last page's header, by itself.
    let begins = waiting.bytes.is_empty();
    waiting.bytes.extend_from_slice(given);
    waiting.last = match (given.len(), waiting.last) {
        (FRAME_HEADER, _) if !(begins && ends_transaction(given)) => {
            LastWrite::Header { of_commit: ends_transaction(given) }
        }
        (_, LastWrite::Header { of_commit: false }) => LastWrite::Other,
        // The end of a transaction; the head of the log; and what this program knows nothing of.
        // SAFETY: it is the file behind this one.
        _ => return unsafe { waiting.flush(ordinary) },
    };
    ffi::SQLITE_OK
}

/// Whether this header's page is a transaction's last one.
fn ends_transaction(header: &[u8]) -> bool {
    header[4..8] != [0; 4]
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once. What still waits belongs to no transaction that was kept.
    unsafe {
        drop(Box::from_raw((*file.cast::<LogFile>()).waiting));
        (*file).pMethods = ptr::null();
        let behind = LogFile::ordinary(file);
        (*(*behind).pMethods).xClose.map_or(ffi::SQLITE_IOERR_CLOSE, |close| close(behind))
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: as SQLite calls it.
    unsafe {
        LogFile::parts(file).0.reaches = 0;
        cut(file, size)
    }
}

/// Functions that write what waits and then ask the ordinary file.
macro_rules! asked_after_writing {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: SQLite's arguments go on as they are, to the file that it opened with this one.
            unsafe {
                let (waiting, ordinary) = LogFile::parts(file);
                let flushed = waiting.flush(ordinary);
                if flushed != ffi::SQLITE_OK {
                    return flushed;
                }
                (*(*ordinary).pMethods).$method.map_or(ffi::SQLITE_IOERR, |ask| ask(ordinary $(, $argument)*))
            }
        }
    )*};
}

asked_after_writing! {
    read = xRead(to: *mut c_void, amount: c_int, offset: sqlite3_int64);
    cut = xTruncate(size: sqlite3_int64);
    sync = xSync(flags: c_int);
    file_size = xFileSize(size: *mut sqlite3_int64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(is_held: *mut c_int);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
}

/// Functions that answer with a figure and touch nothing.
macro_rules! asked_at_once {
    ($($name:ident = $method:ident, or $otherwise:literal;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file) -> c_int {
            // SAFETY: the ordinary file is open as long as this one is.
            unsafe {
                let ordinary = LogFile::ordinary(file);
                (*(*ordinary).pMethods).$method.map_or($otherwise, |ask| ask(ordinary))
            }
        }
    )*};
}

asked_at_once! {
    sector_size = xSectorSize, or 4096;
    device_characteristics = xDeviceCharacteristics, or 0;
}

#[cfg(test)]
mod tests;
