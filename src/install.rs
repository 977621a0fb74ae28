//! Runs in: any thread-free process. `pidone install-names DIR`: links by the names of other inits.

use crate::cli::NAMES;
use crate::error::{Failure, Stage, Voice};
use crate::exit::PIDONE_FAILED;
use crate::files;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::unistd::symlinkat;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// This program.
const PROGRAM: &str = "/proc/self/exe";

/// Makes all the links or none, and returns the exit status. Links that are there already and lead to this program stay.
pub(crate) fn names(directory: &OsStr) -> u8 {
    let mut made = Vec::new();
    let Err(failure) = make_links(directory, &mut made) else { return 0 };
    for link in &made {
        // Ignoring the error: it is about the first failure that the user hears.
        let _ = files::remove(link);
    }
    let hint = match failure.errno {
        Errno::EEXIST => Some("something else has this name: remove it first, or choose another directory"),
        Errno::EACCES | Errno::EPERM => Some("the directory must be writable for you"),
        Errno::ENOENT => Some("the directory must exist, and /proc be mounted"),
        _ => None,
    };
    failure.print(Voice::Pidone, hint);
    PIDONE_FAILED
}

fn make_links(directory: &OsStr, made: &mut Vec<OsString>) -> Result<(), Failure> {
    let failed = |path: &OsStr, errno| Failure::new(Stage::InstallName, path, errno);
    let program = files::link(format_args!("{PROGRAM}")).map_err(|errno| failed(PROGRAM.as_ref(), errno))?;
    let directory = &files::directory(directory).map_err(|errno| failed(directory, errno))?;
    // Beside the program a link without a directory is right wherever the two are moved.
    let beside = program
        .as_bytes()
        .strip_prefix(files::without_slash(directory.as_bytes()))
        .and_then(|rest| rest.strip_prefix(b"/"));
    let target = beside.filter(|name| !name.contains(&b'/')).map_or(program.as_os_str(), OsStr::from_bytes);
    for (name, _) in NAMES {
        let link = files::below(directory, name.as_bytes());
        let made_one = files::c_path(target)
            .and_then(|target| symlinkat(target.as_c_str(), AT_FDCWD, files::c_path(&link)?.as_c_str()));
        match made_one {
            Ok(()) => made.push(link),
            Err(_) if is_this_program(&link) => {}
            Err(errno) => return Err(failed(&link, errno)),
        }
    }
    Ok(())
}

fn is_this_program(link: &OsStr) -> bool {
    let identity = |path: &OsStr| files::stat(path).map(|stat| files::identity(&stat));
    identity(link).is_ok_and(|leads_to| identity(PROGRAM.as_ref()) == Ok(leads_to))
}
