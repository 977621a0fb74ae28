//! Runs in: any thread-free process. `pidone install-names DIR`: links by the names of other inits.

use crate::cli::NAMES;
use crate::error::{Failure, Stage, Voice, errno_of};
use crate::exit::PIDONE_FAILED;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Makes all the links or none, and returns the exit status. Links that are there already and lead to this program stay.
pub(crate) fn names(directory: &OsStr) -> u8 {
    let mut made = Vec::new();
    match make_links(Path::new(directory), &mut made) {
        Ok(()) => 0,
        Err(failure) => {
            // Ignoring errors: it is about the first failure that the user hears.
            made.iter().for_each(|link| drop(fs::remove_file(link)));
            let hint = match failure.errno {
                Errno::EEXIST => Some("something else has this name: remove it first, or choose another directory"),
                Errno::EACCES | Errno::EPERM => Some("the directory must be writable for you"),
                Errno::ENOENT => Some("the directory must exist, and /proc be mounted"),
                _ => None,
            };
            failure.print(Voice::Pidone, hint);
            PIDONE_FAILED
        }
    }
}

fn make_links(directory: &Path, made: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let program = Path::new("/proc/self/exe");
    let program = fs::read_link(program).map_err(|error| failure(program, &error))?;
    let directory = fs::canonicalize(directory).map_err(|error| failure(directory, &error))?;
    // Beside the program a link without a directory is right wherever the two are moved.
    let target = match program.file_name() {
        Some(name) if program.parent() == Some(&directory) => Path::new(name),
        _ => program.as_path(),
    };
    for (name, _) in NAMES {
        let link = directory.join(name);
        match symlink(target, &link) {
            Ok(()) => made.push(link),
            Err(_) if fs::canonicalize(&link).is_ok_and(|leads_to| leads_to == program) => {}
            Err(error) => return Err(failure(&link, &error)),
        }
    }
    Ok(())
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Stage::InstallName, path, errno_of(error))
}
