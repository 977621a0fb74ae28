//! Runs in: any thread-free process. Directories of /proc.
//!
//! Not by `std::fs::read_dir`, which is made for names of any kind, to be read little by little, and weighs five times as much.

use nix::Result;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::fmt;

/// Those names in a directory that are numbers: of processes, threads, descriptors.
///
/// # Errors
/// Those of opendir(3).
#[inline(never)]
pub(crate) fn numbers_in(directory: fmt::Arguments<'_>) -> Result<Vec<i32>> {
    let path = format!("{directory}\0");
    // SAFETY: a NUL ends the path.
    let stream = unsafe { libc::opendir(path.as_ptr().cast()) };
    if stream.is_null() {
        return Err(Errno::last());
    }
    let mut numbers = Vec::new();
    loop {
        // SAFETY: the stream is open.
        let entry = unsafe { libc::readdir(stream) };
        if entry.is_null() {
            break;
        }
        // SAFETY: not null, and so good until the next call. No reference: the entry is as long as its name, not as its type.
        let name = unsafe { &raw const (*entry).d_name };
        // SAFETY: a NUL ends the name.
        let name = unsafe { CStr::from_ptr(name.cast()) };
        if let Some(Ok(number)) = name.to_str().ok().map(str::parse) {
            numbers.push(number);
        }
    }
    // SAFETY: nobody uses the stream from here on.
    unsafe { libc::closedir(stream) };
    Ok(numbers)
}
