//! Root file systems of busybox, and a watch over the mounts of the machine.

use super::privilege::{has, privileged, user_namespaces};
use super::{Place, copy, scratch};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Fails the test when the mounts of the machine are not what they were: drop it last.
pub struct Mounts(String);

impl Mounts {
    pub fn watch() -> Self {
        Mounts(mountinfo())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.0, mountinfo(), "something was left mounted");
        }
    }
}

/// Without what tests of `--persist` keep meanwhile, in directories named for that.
fn mountinfo() -> String {
    let all = std::fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
    all.lines().filter(|line| !line.contains("/persist-")).collect::<Vec<_>>().join("\n")
}

/// The places with a mount namespace of their own, as far as they can be had, if there is a busybox to put in one.
pub fn furnished() -> Vec<Place> {
    let mut places = Vec::new();
    if !has("busybox") {
        return places;
    }
    if privileged() {
        places.extend([Place::Isolated, Place::Bare]);
    }
    if user_namespaces() {
        places.extend([Place::MapRoot, Place::MapCurrent]);
    }
    places
}

/// A directory, writable for everyone, that holds busybox, `sh`, and nothing else.
pub fn rootfs(name: &str) -> PathBuf {
    let root = scratch(name);
    let bin = root.join("bin");
    std::fs::create_dir(&bin).expect("make /bin");
    std::fs::set_permissions(&bin, PermissionsExt::from_mode(0o755)).expect("open /bin");
    copy(Path::new("/bin/busybox"), &bin.join("busybox"));
    for applet in
        ["sh", "ls", "cat", "id", "touch", "readlink", "head", "stat", "sleep", "cut", "grep", "mkdir", "df"]
    {
        symlink("busybox", bin.join(applet)).expect("make a link to busybox");
    }
    root
}

/// pidone in this place with a root, further options, and a script.
pub fn in_root(place: Place, root: &Path, options: &[&str], script: &str) -> std::process::Command {
    let root = root.to_str().expect("a path of ASCII");
    place.pidone(&[&["--rootfs", root], options].concat(), &["sh", "-c", script])
}
