//! Runs in: workload child. execve(2) from arrays that were made before the clone, so that nothing allocates after it.

use nix::errno::Errno;
use nix::libc::{self, c_char};
use std::ffi::{CStr, CString};

/// A NULL-terminated array of C strings that live as long as the process, as execve(2) takes it.
#[derive(Debug)]
pub(crate) struct PointerArray(Vec<*const c_char>);

/// A copy that lives as long as the process. `None`: there is a NUL in it.
#[inline(never)]
pub(crate) fn kept(string: &[u8]) -> Option<&'static CStr> {
    Some(Box::leak(CString::new(string).ok()?.into_boxed_c_str()))
}

impl PointerArray {
    pub(crate) fn of(strings: &[&'static CStr]) -> Self {
        let mut pointers = Vec::with_capacity(strings.len().saturating_add(1));
        pointers.extend(strings.iter().map(|string| string.as_ptr()));
        pointers.push(std::ptr::null());
        PointerArray(pointers)
    }

    /// Puts `string` in the place of entry `index`.
    pub(crate) fn replace(&mut self, index: usize, string: &'static CStr) {
        // The last entry is the NULL.
        if index < self.0.len().saturating_sub(1)
            && let Some(entry) = self.0.get_mut(index)
        {
            *entry = string.as_ptr();
        }
    }

    /// Takes entry `index` out.
    pub(crate) fn remove(&mut self, index: usize) {
        if index < self.0.len().saturating_sub(1) {
            self.0.remove(index);
        }
    }
}

/// Replaces this process by the program at `path`; comes back only with the error.
pub(crate) fn execve(path: &CStr, argv: &PointerArray, env: &PointerArray) -> Errno {
    // SAFETY: both arrays end in NULL, and their strings live as long as the process.
    unsafe { libc::execve(path.as_ptr(), argv.0.as_ptr(), env.0.as_ptr()) };
    Errno::last()
}
