//! Runs in: outer, init; never, as far as anyone knows. In place of libunwind, for a program that never unwinds.
//!
//! A panic here prints its message and aborts (`panic = "abort"`). All that libunwind could add is the list of frames
//! that `RUST_BACKTRACE` asks for, from a binary that is stripped of the names to list; and that weighs 245 KB, because
//! the walk over frames is what keeps the standard library's readers of DWARF, ELF and gzip alive. With a walk that ends
//! before its first frame, the optimiser drops them all.
//!
//! The names and signatures are those of the Itanium C++ ABI, level 1 (<unwind.h>).

use std::ffi::{c_int, c_void};
use std::process::abort;

/// `_URC_END_OF_STACK`: there are no more frames.
const END_OF_STACK: c_int = 5;

/// Walks the stack, calling back for each frame: there is none.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_callback: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// What the compiler's landing pads and their personality routine refer to. Nothing is ever thrown, so nothing lands.
macro_rules! never_called {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> ! {
                abort()
            }
        )*
    };
}

never_called! {
    _Unwind_GetDataRelBase
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_Resume
    _Unwind_SetGR
    _Unwind_SetIP
}
