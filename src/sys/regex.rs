//! Runs in: any thread-free process. The C library's regular expressions, regex(3): they are in every static binary anyway, and
//! nothing else is as small.

use nix::libc;
use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A compiled extended regular expression.
pub(crate) struct Pattern(Box<libc::regex_t>);

impl Pattern {
    /// # Errors
    /// What is wrong with it, in the C library's words.
    pub(crate) fn new(expression: &CStr) -> Result<Self, String> {
        let mut compiled = Box::new(MaybeUninit::<libc::regex_t>::zeroed());
        let flags = libc::REG_EXTENDED | libc::REG_NOSUB;
        // SAFETY: room for a regex_t, and a string that ends with NUL.
        let error = unsafe { libc::regcomp(compiled.as_mut_ptr(), expression.as_ptr(), flags) };
        if error != 0 {
            return Err(message(error));
        }
        // SAFETY: regcomp has filled it in.
        Ok(Pattern(unsafe { compiled.assume_init() }))
    }

    /// Whether it is found in `line`.
    pub(crate) fn matches(&self, line: &CStr) -> bool {
        // SAFETY: compiled, and not yet freed; no matches are asked for, so none are written.
        unsafe { libc::regexec(&raw const *self.0, line.as_ptr(), 0, std::ptr::null_mut(), 0) == 0 }
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        // SAFETY: compiled, and freed only here.
        unsafe { libc::regfree(&raw mut *self.0) };
    }
}

fn message(error: libc::c_int) -> String {
    let mut text = [0_u8; 128];
    // SAFETY: as many bytes of room as are said; without the expression the text is a general one.
    unsafe { libc::regerror(error, std::ptr::null(), text.as_mut_ptr().cast(), text.len()) };
    CStr::from_bytes_until_nul(&text).map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_extended_and_errors_have_words() {
        let pattern = Pattern::new(c"^(ready|up) [0-9]+$").unwrap();
        assert!(pattern.matches(c"ready 12"));
        assert!(!pattern.matches(c"not ready 12"));
        assert!(!Pattern::new(c"(").err().unwrap().is_empty());
    }
}
