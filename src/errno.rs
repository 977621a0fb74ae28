//! Runs in: any thread-free process. The kernel's reasons: their names, and their texts; pure.

use crate::sys;
use nix::errno::Errno;

/// The names of errors by their numbers, from 1 on; errno(3). In one piece: nix's have sixteen bytes beside each name.
const NAMES: &str = "\
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV \
    ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK \
    ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ? ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT \
    EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT ? EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV \
    ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX \
    ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT \
    ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET \
    ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH \
    EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY \
    EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON";

/// The name of an error, as `ENOENT`.
pub(crate) fn name(errno: Errno) -> &'static str {
    let index = usize::try_from(errno as i32).ok().and_then(|number| number.checked_sub(1));
    // By bytes: what splits at characters can panic, as far as the compiler knows.
    let name = index.and_then(|index| NAMES.as_bytes().split(|byte| *byte == b' ').nth(index));
    name.and_then(|name| str::from_utf8(name).ok()).unwrap_or("UnknownErrno")
}

/// The system's text for an error, and its name: `No such file or directory (ENOENT)`.
pub(crate) fn reason(errno: Errno) -> String {
    format!("{} ({})", sys::error_text(errno), name(errno))
}

/// The kernel's reason in an error of the standard library's.
pub(crate) fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_names() {
        for number in 1..=133 {
            let errno = Errno::from_raw(number);
            assert_eq!(name(errno), format!("{errno:?}"), "{number}");
        }
        assert_eq!(name(Errno::UnknownErrno), "UnknownErrno");
    }
}
