//! Runs in: the benchmark. How large the program files are, as they are installed: without symbols.

use crate::contestants::{Contestant, Place};
use crate::figures::{Row, Table, absent};
use crate::lab::Lab;
use std::io;

pub fn measure(lab: &Lab) -> io::Result<Vec<Table>> {
    Ok(vec![table(lab, Place::PidOne, "size.in-place", "Program file of an init")?, {
        table(lab, Place::Isolated, "size.isolated", "Program file of what makes namespaces")?
    }])
}

fn table(lab: &Lab, place: Place, key: &str, title: &str) -> io::Result<Table> {
    let (fit, unfit) = lab.entrants(place);
    let rows =
        fit.iter().map(|one| Ok(Row { who: one.name, cells: Ok(sizes(one)?) })).collect::<io::Result<Vec<_>>>()?;
    Ok(Table {
        key: key.to_owned(),
        title: title.to_owned(),
        unit: "KiB",
        columns: ["size", "and its libraries"].map(str::to_owned).into(),
        basis: 1,
        runs: 1,
        rows: rows.into_iter().chain(absent(unfit)).collect(),
    })
}

/// Of all programs that take part, and of these with the shared libraries that they load.
fn sizes(contestant: &Contestant) -> io::Result<Vec<f64>> {
    let (mut programs, mut libraries) = (0, 0);
    for program in
        contestant.words.iter().filter(|word| word.starts_with('/') && word.len() > 1 && *word != "/proc")
    {
        programs += std::fs::metadata(program)?.len();
        libraries += libraries_of(program)?;
    }
    Ok(vec![programs as f64 / 1024.0, (programs + libraries) as f64 / 1024.0])
}

/// ldd(1) lists them as `NAME => PATH (ADDRESS)`, and the dynamic linker as `PATH (ADDRESS)`.
fn libraries_of(program: &str) -> io::Result<u64> {
    let said = std::process::Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let paths =
        text.lines().filter_map(|line| line.split_whitespace().rev().nth(1).filter(|word| word.starts_with('/')));
    paths.map(|path| Ok(std::fs::metadata(path)?.len())).sum()
}
