//! Facts in memory that outlives the process that records them.
//!
//! The harness makes an anonymous file (`memfd`) for each child process and hands it over. The child maps it and
//! appends records of four words: no system call, no allocation, no disk. If the child dies, what it recorded is still there.
#![expect(unsafe_code, reason = "a shared mapping has no safe form")]

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// One fact: four words, whose meaning is the kind of the recording.
pub type Record = [u64; 4];

const RECORD_BYTES: usize = size_of::<Record>();

/// The first record's place holds the counters.
#[repr(C)]
struct Counters {
    written: AtomicU64,
    overflowed: AtomicU64,
    spare: [u64; 2],
}

/// The harness' end: owns the anonymous file.
#[derive(Debug)]
pub struct Recording {
    fd: OwnedFd,
    capacity: usize,
    read: usize,
}

/// A mapping of a recording, shared with every other process that maps it.
#[derive(Debug)]
struct Mapping {
    address: NonNull<c_void>,
    bytes: NonZeroUsize,
}

// SAFETY: the mapping is plain shared memory; all access goes through atomics or through `Recorder`, which is one writer.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(fd: impl AsFd, capacity: usize) -> nix::Result<Mapping> {
        let bytes = NonZeroUsize::new((capacity + 1) * RECORD_BYTES).ok_or(nix::Error::EINVAL)?;
        // SAFETY: a fresh mapping at an address the kernel chooses, of a file that was sized for it.
        let address =
            unsafe { mmap(None, bytes, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, fd, 0)? };
        Ok(Mapping { address, bytes })
    }

    fn counters(&self) -> &Counters {
        // SAFETY: the mapping is at least one record long, page-aligned, and `Counters` has that size and only atomics in use.
        unsafe { self.address.cast::<Counters>().as_ref() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `new` made; nothing borrows from it any more.
        let _ = unsafe { munmap(self.address, self.bytes.get()) };
    }
}

impl Recording {
    /// Room for `capacity` records. Memory is used only as they are written.
    ///
    /// # Errors
    /// When the kernel refuses the anonymous file or its size.
    pub fn new(capacity: usize) -> nix::Result<Recording> {
        let fd = memfd_create("pollcost", MFdFlags::MFD_CLOEXEC)?;
        nix::unistd::ftruncate(&fd, ((capacity + 1) * RECORD_BYTES) as i64)?;
        Ok(Recording { fd, capacity, read: 0 })
    }

    /// A copy of the file descriptor that a child process inherits. Keep it until the child has started.
    ///
    /// # Errors
    /// When no more descriptors are to be had.
    pub fn for_child(&self) -> nix::Result<OwnedFd> {
        let copy = self.fd.try_clone().map_err(|e| nix::Error::from_raw(e.raw_os_error().unwrap_or(0)))?;
        fcntl(&copy, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(copy)
    }

    /// What has been recorded since the last call, and how many records did not fit so far.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn read_new(&mut self) -> nix::Result<(Vec<Record>, u64)> {
        let mapping = Mapping::new(&self.fd, self.capacity)?;
        let counters = mapping.counters();
        let written = (counters.written.load(Ordering::Acquire) as usize).min(self.capacity);
        let first = mapping.address.cast::<Record>();
        // SAFETY: `written` records follow the counters; the writer stored them before it raised the count (Release).
        let records = unsafe { std::slice::from_raw_parts(first.add(1).as_ptr(), written) };
        let new = records.get(self.read..).unwrap_or_default().to_vec();
        self.read = written;
        Ok((new, counters.overflowed.load(Ordering::Relaxed)))
    }
}

/// The recording process' end: the only writer.
#[derive(Debug)]
pub struct Recorder {
    mapping: Mapping,
    capacity: usize,
    written: usize,
}

impl Recorder {
    /// Takes over an inherited file descriptor.
    ///
    /// # Errors
    /// When it is not a recording's descriptor.
    pub fn inherit(fd: RawFd) -> nix::Result<Recorder> {
        // SAFETY: the harness passed this descriptor for us to own; `fstat` below fails if it is not open.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Recorder::open(fd)
    }

    /// Appends to a recording from the process that made it.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn attach(recording: &Recording) -> nix::Result<Recorder> {
        let copy = recording.fd.try_clone().map_err(|e| nix::Error::from_raw(e.raw_os_error().unwrap_or(0)))?;
        Recorder::open(copy)
    }

    fn open(fd: OwnedFd) -> nix::Result<Recorder> {
        let bytes = nix::sys::stat::fstat(&fd)?.st_size.max(0) as usize;
        let capacity = (bytes / RECORD_BYTES).checked_sub(1).ok_or(nix::Error::EINVAL)?;
        let mapping = Mapping::new(&fd, capacity)?;
        let written = (mapping.counters().written.load(Ordering::Acquire) as usize).min(capacity);
        Ok(Recorder { mapping, capacity, written })
    }

    /// Appends one record; when there is no more room it is only counted.
    pub fn push(&mut self, record: Record) {
        let counters = self.mapping.counters();
        if self.written == self.capacity {
            counters.overflowed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = self.mapping.address.cast::<Record>();
        // SAFETY: `written < capacity`, and the mapping holds the counters and `capacity` records; we are the only writer.
        unsafe { first.add(1 + self.written).write(record) };
        self.written += 1;
        counters.written.store(self.written as u64, Ordering::Release);
    }

    /// Records that did not fit.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.mapping.counters().overflowed.load(Ordering::Relaxed)
    }
}

/// The number of a descriptor, for telling a child which one it inherits.
#[must_use]
pub fn number(fd: &OwnedFd) -> RawFd {
    fd.as_raw_fd()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_written_and_counts_the_rest() {
        let mut recording = Recording::new(3).unwrap();
        let mut recorder = Recorder::attach(&recording).unwrap();
        recorder.push([0, 1, 2, 3]);
        assert_eq!(recording.read_new().unwrap(), (vec![[0, 1, 2, 3]], 0));
        for i in 1..5u64 {
            recorder.push([i, i + 1, i + 2, i + 3]);
        }
        drop(recorder);
        assert_eq!(recording.read_new().unwrap(), (vec![[1, 2, 3, 4], [2, 3, 4, 5]], 2));
        assert_eq!(recording.read_new().unwrap(), (vec![], 2));
    }
}
