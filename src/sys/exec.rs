//! Runs in: workload child. execve(2) from arrays that were made before the clone, so that nothing allocates after it.

use nix::errno::Errno;
use nix::libc::{self, c_char};
use std::borrow::Cow;
use std::ffi::CStr;

/// A NULL-terminated array of C strings, as execve(2) takes it, with the strings that it owns.
#[derive(Debug)]
pub(crate) struct PointerArray {
    pointers: Vec<*const c_char>,
    _strings: Vec<Cow<'static, CStr>>,
}

impl PointerArray {
    /// An array of strings that are its own, or live as long as the process.
    pub(crate) fn new(strings: Vec<Cow<'static, CStr>>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect();
        PointerArray { pointers, _strings: strings }
    }

    /// Puts `string`, which must live as long as the process, in the place of entry `index`.
    pub(crate) fn replace(&mut self, index: usize, string: &'static CStr) {
        // The last entry is the NULL.
        if index < self.pointers.len().saturating_sub(1)
            && let Some(entry) = self.pointers.get_mut(index)
        {
            *entry = string.as_ptr();
        }
    }

    /// Takes entry `index` out.
    pub(crate) fn remove(&mut self, index: usize) {
        if index < self.pointers.len().saturating_sub(1) {
            self.pointers.remove(index);
        }
    }
}

/// Replaces this process by the program at `path`; comes back only with the error.
pub(crate) fn execve(path: &CStr, argv: &PointerArray, env: &PointerArray) -> Errno {
    // SAFETY: both arrays end in NULL and their strings are alive: a `PointerArray` owns them, or they are static.
    unsafe { libc::execve(path.as_ptr(), argv.pointers.as_ptr(), env.pointers.as_ptr()) };
    Errno::last()
}
