//! Runs in: any thread-free process. What the C library hands over: arguments, environment, error texts.

use crate::exit::PIDONE_FAILED;
use nix::errno::Errno;
use nix::libc::{self, c_char};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::{CStr, OsStr, c_int, c_void};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;

/// The arguments of this process, as the kernel laid them out: bytes, not UTF-8, `argv[0]` included.
///
/// Rust's own `std::env::args_os` is empty when a program enters through the C `main` of a libc that
/// does not pass arguments to `.init_array` functions (musl).
#[derive(Clone, Copy, Debug)]
pub struct Args {
    first: *const *const c_char,
    count: usize,
}

impl Args {
    /// Wraps the two parameters of the C `main`.
    ///
    /// # Safety
    ///
    /// `argv` must be the vector that the C runtime passed to `main`, and `argc` its count: an array of
    /// `argc` pointers to NUL-terminated strings that live as long as the process.
    #[must_use]
    pub unsafe fn from_c(argc: c_int, argv: *const *const c_char) -> Self {
        Args { first: argv, count: usize::try_from(argc).unwrap_or(0) }
    }

    /// Argument `index`; 0 is the program's own name. `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'static OsStr> {
        if index >= self.count {
            return None;
        }
        // SAFETY: `from_c` promises `count` pointers, and `index` is below that.
        let place = unsafe { self.first.add(index) };
        // SAFETY: as above, there is a pointer in that place.
        let string = unsafe { *place };
        // SAFETY: `from_c` promises that each points to a NUL-terminated string living to the end.
        Some(OsStr::from_bytes(unsafe { CStr::from_ptr(string) }.to_bytes()))
    }

    /// The arguments after the program's own name.
    pub fn rest(self) -> impl Iterator<Item = &'static OsStr> {
        (1..self.count).filter_map(move |index| self.get(index))
    }
}

/// Ends the program where there is no memory to be had, with 125 and a message; not by `abort`, which a PID 1 may well survive.
pub fn end_without_memory() -> ! {
    const MESSAGE: &[u8] = b"pidone: cannot go on: no memory: Out of memory (ENOMEM)\n";
    // Ignoring the error: the status still tells.
    let _ = nix::unistd::write(super::stdio(libc::STDERR_FILENO), MESSAGE);
    super::exit_now(PIDONE_FAILED.into())
}

unsafe extern "C" {
    /// The environment, see environ(7).
    static environ: *const *const c_char;
}

/// Every environment string in order, also those that `std::env::vars_os` would leave out for having no `=`.
///
/// They live until the environment is changed, which here only a program does that has just been made a workload
/// (`set_variable`), when nobody holds one.
pub(crate) fn environment() -> impl Iterator<Item = &'static CStr> {
    // SAFETY: reads the libc's pointer; with a single thread nobody replaces it meanwhile.
    let mut next = unsafe { environ };
    std::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: the array is NULL-terminated (environ(7)) and we stop at the NULL, so `next` is inside it.
        let string = unsafe { *next };
        if string.is_null() {
            return None;
        }
        // SAFETY: the entry was not the terminating NULL, so the following one still belongs to the array.
        next = unsafe { next.add(1) };
        // SAFETY: each entry is a NUL-terminated string, and stays as long as nobody changes the environment: see above.
        Some(unsafe { CStr::from_ptr(string) })
    })
}

/// A page of memory that a process and those that it forks see alike, whatever descriptors they close.
#[derive(Debug)]
pub(crate) struct SharedPage(NonNull<c_void>);

// SAFETY: it belongs to no thread; who writes to it is another process, and it is read when that has ended.
unsafe impl Send for SharedPage {}

impl SharedPage {
    const SIZE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);
    const HEADER: usize = size_of::<usize>();
    const ROOM: usize = Self::SIZE.get().saturating_sub(Self::HEADER);

    /// # Errors
    /// ENOMEM.
    pub(crate) fn new() -> nix::Result<Self> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_SHARED;
        // SAFETY: new memory, which nobody else knows.
        unsafe { mmap_anonymous(None, Self::SIZE, access, flags) }.map(SharedPage)
    }

    /// Puts `bytes` there, as many as there is room for. Only one process may do that, and once.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let length = bytes.len().min(Self::ROOM);
        // SAFETY: behind the header there is room for so many.
        unsafe { self.content().copy_from_nonoverlapping(bytes.as_ptr(), length) };
        // SAFETY: the page begins with room for a length, and is aligned to itself.
        unsafe { self.0.cast::<usize>().write_volatile(length) };
    }

    /// What was put there, once whoever did that has ended; nothing, if nobody did.
    pub(crate) fn read(&self) -> Vec<u8> {
        // SAFETY: as in `write`.
        let length = unsafe { self.0.cast::<usize>().read_volatile() };
        let length = length.min(Self::ROOM);
        // SAFETY: so many bytes belong to the page, and the kernel began it with zeros.
        unsafe { std::slice::from_raw_parts(self.content(), length) }.to_vec()
    }

    /// A flag in it, for a page that nothing is written to; false at first.
    pub(crate) fn flag(&self) -> &AtomicBool {
        // SAFETY: the page is mapped as long as `self` lives, holds zeros at first, and is touched by nothing else then.
        unsafe { AtomicBool::from_ptr(self.0.cast::<bool>().as_ptr()) }
    }

    fn content(&self) -> *mut u8 {
        // SAFETY: the header is shorter than the page.
        unsafe { self.0.cast::<u8>().as_ptr().add(Self::HEADER) }
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, with this size, and borrowed by nobody. Ignoring the error: there is none, then.
        let _ = unsafe { munmap(self.0, Self::SIZE.get()) };
    }
}

/// Sets a variable of this process (setenv(3)).
pub(crate) fn set_variable(name: &str, value: &str) {
    // SAFETY: with a single thread nobody reads the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
}

/// Takes a variable of this process away.
pub(crate) fn remove_variable(name: &str) {
    // SAFETY: as in `set_variable`.
    unsafe { std::env::remove_var(name) };
}

/// strerror(3).
pub(crate) fn error_text(errno: Errno) -> String {
    let mut buffer = [0; 128];
    // SAFETY: the length given is that of the buffer, in which the text ends with a NUL, cut if need be.
    unsafe { libc::strerror_r(errno as c_int, buffer.as_mut_ptr(), buffer.len()) };
    // SAFETY: the buffer was all NULs, and strerror_r leaves one at its end.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_string_lossy().into_owned()
}
