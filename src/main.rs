//! Runs in: outer or init, as its first line. The C `main`, and nothing else.
//!
//! Rust's own runtime start would set SIGPIPE to ignored, install SIGSEGV and SIGBUS handlers, make an
//! alternate signal stack and open `/dev/null` over closed stdio; the workload would inherit what of it
//! survives execve(2). Entering through the C `main` leaves all of that as pidone found it.

#![no_main]

#[cfg(all(target_env = "musl", panic = "abort"))]
#[expect(unsafe_code, reason = "the linker looks for these names")]
mod unwind;

use std::ffi::{c_char, c_int};

#[global_allocator]
static ALLOCATOR: pidone::Allocator = pidone::Allocator;

/// What the C runtime calls; its return value is the exit status.
#[expect(unsafe_code, reason = "the C runtime finds its entry by this exported name")]
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are the two values the C runtime handed to this very function.
    let args = unsafe { pidone::Args::from_c(argc, argv) };
    pidone::run(args)
}
