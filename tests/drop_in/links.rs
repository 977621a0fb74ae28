//! `install-names`, and what a name does that is no link.

use super::{NAMES, install_names};
use crate::support::{binary, copy, pidone, privilege, run, scratch, text};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each name in the directory with where it leads, in order.
fn links(directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory).expect("read the directory").map(|entry| entry.expect("an entry"));
    let mut links: Vec<_> = entries
        .map(|entry| {
            let target = fs::read_link(entry.path()).unwrap_or_else(|_| "no link".into());
            (entry.file_name().into_string().expect("a plain name"), target)
        })
        .collect();
    links.sort();
    links
}

/// All five, leading there.
fn five(target: &Path) -> Vec<(String, PathBuf)> {
    NAMES.map(|name| (name.to_owned(), target.to_owned())).into()
}

#[test]
fn five_names_are_made_and_made_again() {
    let directory = scratch("elsewhere");
    let program = fs::canonicalize(binary()).expect("resolve the binary");
    for _ in 0..2 {
        install_names(&directory).exits(0).silently();
        assert_eq!(links(&directory), five(&program));
    }
    // One that is missing is made; those that are there already count however they are written.
    fs::remove_file(directory.join("tini")).expect("remove a link");
    fs::remove_file(directory.join("dumb-init")).expect("remove a link");
    symlink("../pidone", directory.join("dumb-init")).expect("make a link");
    run(pidone(["install-names", "."]).current_dir(&directory)).exits(0).silently();
    let mut expected = five(&program);
    expected[2].1 = "../pidone".into();
    assert_eq!(links(&directory), expected);
}

#[test]
fn beside_the_binary_they_lead_to_its_mere_name_and_move_with_it() {
    let directory = scratch("beside");
    copy(&binary(), &directory.join("any name"));
    for place in [directory.as_path(), Path::new("."), Path::new("../beside")] {
        let mut command = Command::new("./any name");
        run(command.arg("install-names").arg(place).current_dir(&directory)).exits(0).silently();
    }
    let moved = directory.with_file_name("beside moved");
    let _ = fs::remove_dir_all(&moved);
    fs::rename(&directory, &moved).expect("move it");
    let mut found = links(&moved);
    assert_eq!(found.remove(0), ("any name".into(), "no link".into()));
    assert_eq!(found, five(Path::new("any name")));
    run(Command::new(moved.join("dumb-init")).arg("/nonexistent")).exits(2);
}

#[test]
fn where_a_name_is_taken_nothing_is_made() {
    let names = ["catatonit", "docker-init", "dumb-init", "tini", "tini-static"];
    for (number, name) in names.into_iter().enumerate() {
        let directory = scratch(&format!("taken-{number}"));
        let taken = directory.join(name);
        match number % 3 {
            0 => fs::write(&taken, "mine").expect("make a file"),
            1 => fs::create_dir(&taken).expect("make a directory"),
            // Leads nowhere.
            _ => symlink("gone", &taken).expect("make a link"),
        }
        let before = links(&directory);
        install_names(&directory).exits(125).says(&[&format!("/{name}: "), "EEXIST"], Some("remove it"));
        assert_eq!(links(&directory), before);
    }
}

#[test]
fn without_a_directory_to_make_them_in_it_is_125() {
    let file = scratch("no-directory").join("file");
    fs::write(&file, "").expect("make a file");
    install_names(&file.with_file_name("missing")).exits(125).says(&["missing", "ENOENT"], Some("must exist"));
    let ended = install_names(&file);
    assert!(ended.exits(125).stderr.contains("ENOTDIR"), "{ended:#?}");
    for words in [&[][..], &["a", "b"], &["--force"]] {
        run(pidone(["install-names"]).args(words)).exits(125).says(&["one directory"], Some("install-names"));
    }
}

#[test]
fn an_ordinary_user_makes_them_in_a_directory_of_their_own_and_in_no_other() {
    let own = scratch("ordinary").join("own");
    text(privilege::as_nobody(Command::new("mkdir").arg(&own)));
    run(privilege::as_nobody(pidone(["install-names"]).arg(&own))).exits(0).silently();
    assert_eq!(links(&own).len(), 5);
    run(privilege::as_nobody(Command::new(own.join("tini")).args(["-s", "sh", "-c", "exit 3"])))
        .exits(3)
        .silently();
    let other = scratch("read-only");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o555)).expect("close it");
    let ended = run(privilege::as_nobody(pidone(["install-names"]).arg(&other)));
    assert!(ended.exits(125).stderr.contains("EACCES"), "{ended:#?}");
    assert_eq!(links(&other), []);
}

#[test]
fn a_copy_by_another_name_works_like_the_link() {
    let directory = scratch("copy");
    for (name, not_found) in [("tini", 127), ("dumb-init", 2), ("catatonit", 1)] {
        copy(&binary(), &directory.join(name));
        run(Command::new(directory.join(name)).arg("/nonexistent").env("TINI_SUBREAPER", "")).exits(not_found);
    }
    let version = run(Command::new("tini").arg("--version").env("PATH", &directory));
    assert!(version.exits(0).stdout.starts_with("tini version "), "{version:#?}");
}
