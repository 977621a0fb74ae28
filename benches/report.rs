//! Runs in: the benchmark. The tables and bounds as text, for a terminal.

use crate::bounds::Verdict;
use crate::figures::{Row, Table};

/// One table. A row that is missing says why.
pub fn table(table: &Table) -> String {
    let mut heads: Vec<String> = table.columns.clone();
    heads.extend(["× floor".to_owned(), "pidone is × this".to_owned()]);
    let lines: Vec<(&str, Result<Vec<String>, &str>)> =
        table.rows.iter().map(|row| (row.who, cells(table, row))).collect();
    let name_width = lines.iter().map(|(who, _)| who.chars().count()).max().unwrap_or(0);
    let width_of = |column: usize| {
        let cells = lines.iter().filter_map(|(_, cells)| Some(cells.as_ref().ok()?.get(column)?.chars().count()));
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width_of).collect();
    let line = |who: &str, cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
        format!("  {who:<name_width$}{}\n", padded.collect::<String>())
    };
    let mut text = format!(
        "{} [{}]
  in {}, n = {}
",
        table.title, table.key, table.unit, table.runs
    );
    text += &line("", &heads);
    for (who, cells) in &lines {
        match cells {
            Ok(cells) => text += &line(who, cells),
            Err(why) => text += &format!("  {who:<name_width$}  -- {why}\n"),
        }
    }
    text
}

fn cells<'a>(table: &'a Table, row: &'a Row) -> Result<Vec<String>, &'a str> {
    let cells = row.cells.as_ref().map_err(String::as_str)?;
    let ratios = [table.over_floor(row), table.pidone_over(row)];
    let ratios = ratios.map(|ratio| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")));
    Ok(cells.iter().map(|cell| number(*cell)).chain(ratios).collect())
}

/// With as many digits as mean something.
pub fn number(number: f64) -> String {
    if number.is_nan() {
        "-".to_owned()
    } else if number.abs() >= 100.0 || number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}

/// The bounds that could be looked at.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let width = verdicts.iter().map(|verdict| verdict.what.chars().count()).max().unwrap_or(0);
    let mut text = String::from("Bounds\n");
    for Verdict { what, measured, at_most, unit, .. } in verdicts {
        let word = if measured <= at_most { "holds" } else { "DOES NOT HOLD" };
        text += &format!(
            "  {what:<width$}  {:>8}{unit}  at most {:>6}{unit}  {word}\n",
            number(*measured),
            number(*at_most)
        );
    }
    text
}
