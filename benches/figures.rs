//! Runs in: the benchmark. What a measurement brings: numbers in a table, and what is made of them.

use crate::contestants::{FLOOR, PIDONE};

/// One thing that was measured, for all contestants.
pub struct Table {
    /// For JSON, and for whoever looks a figure up.
    pub key: String,
    pub title: String,
    pub unit: &'static str,
    pub columns: Vec<String>,
    /// The column that ratios are about.
    pub basis: usize,
    /// How many runs, orphans, signals stand behind each number.
    pub runs: usize,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub who: &'static str,
    /// A number for each column, or why there is none.
    pub cells: Result<Vec<f64>, String>,
}

impl Table {
    /// The number that ratios are about.
    pub fn value(&self, who: &str) -> Option<f64> {
        self.cell(who, self.basis)
    }

    pub fn cell(&self, who: &str, column: usize) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.who == who)?;
        row.cells.as_ref().ok()?.get(column).copied()
    }

    /// Without the columns in which nobody has a number.
    pub fn without_empty_columns(mut self) -> Self {
        for column in (0..self.columns.len()).rev() {
            if column != self.basis
                && self.rows.iter().all(|row| self.cell(row.who, column).is_none_or(f64::is_nan))
            {
                self.columns.remove(column);
                for cells in self.rows.iter_mut().filter_map(|row| row.cells.as_mut().ok()) {
                    cells.remove(column);
                }
                self.basis -= usize::from(column < self.basis);
            }
        }
        self
    }

    /// How many times the floor's.
    pub fn over_floor(&self, row: &Row) -> Option<f64> {
        ratio(self.value(row.who)?, self.value(FLOOR)?)
    }

    /// How many times this row's is pidone's: below 1, pidone is the smaller.
    pub fn pidone_over(&self, row: &Row) -> Option<f64> {
        ratio(self.value(PIDONE)?, self.value(row.who)?)
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// A table of medians and 99th percentiles, from samples for each contestant.
pub fn distribution(key: &str, title: &str, samples: Vec<(&'static str, Vec<f64>)>) -> Table {
    let runs = samples.first().map_or(0, |(_, samples)| samples.len());
    let rows = samples.into_iter().map(|(who, mut samples)| {
        samples.sort_by(f64::total_cmp);
        Row { who, cells: Ok(vec![quantile(&samples, 50), quantile(&samples, 99)]) }
    });
    Table {
        key: key.to_owned(),
        title: title.to_owned(),
        unit: "µs",
        columns: vec!["median".to_owned(), "p99".to_owned()],
        basis: 0,
        runs,
        rows: rows.collect(),
    }
}

/// The smallest of these sorted samples that `percent` of them do not exceed.
pub fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    quantile(&samples, 50)
}

/// Rows for those that could not be measured.
pub fn absent(unfit: Vec<(&'static str, String)>) -> impl Iterator<Item = Row> {
    unfit.into_iter().map(|(who, why)| Row { who, cells: Err(why) })
}
