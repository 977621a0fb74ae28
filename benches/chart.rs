//! Runs in: the benchmark. A chart of some of the figures, as SVG, to be read on a light page and on a dark one.

use crate::contestants::{CONTROL, FLOOR, PIDONE};
use crate::figures::Table;
use crate::report::number;
use std::fmt::Write;

/// What is shown: a table's key, one of its columns, and the words above it.
const PANELS: [(&str, usize, &str); 4] = [
    ("start.pid-1", 0, "Start to exit as PID 1, median, µs"),
    ("start.isolated", 0, "Start to exit in new namespaces, median, µs"),
    ("orphans.cpu", 0, "Processor time per reaped orphan, µs"),
    ("memory.pid-1.init.1", 0, "Memory of an idle init: private dirty, kB"),
];

const WIDTH: usize = 760;
const NAMES: usize = 170;
const NUMBERS: usize = 150;
const ROW: usize = 22;
const HEAD: usize = 40;

/// Colours are the page's business: the same words mean other ones where the reader prefers dark.
const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .head { font-weight: 600 } .small { fill: #59636e }
  .bar { fill: #afb8c1 } .pidone { fill: #0969da } .floor { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .bar { fill: #484f58 } .pidone { fill: #4493f8 } .floor { fill: #8b949e }
  }
";

/// The panels whose tables are there.
pub fn svg(tables: &[Table]) -> String {
    let mut body = String::new();
    let mut y = 0;
    for (key, column, title) in PANELS {
        if let Some(table) = tables.iter().find(|table| table.key == key) {
            panel(&mut body, &mut y, table, column, title);
        }
    }
    y += 30;
    text(
        &mut body,
        0,
        y,
        "small",
        "Floor: the same job in a few lines of static C. The ratio in brackets is to it. Shorter is better.",
    );
    let height = y + 10;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"pidone beside others\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn panel(body: &mut String, y: &mut usize, table: &Table, column: usize, title: &str) {
    let rows: Vec<_> = table
        .rows
        .iter()
        .filter(|row| row.who != CONTROL)
        .filter_map(|row| Some((row.who, table.cell(row.who, column)?)))
        .collect();
    let longest = rows.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let floor = table.cell(FLOOR, column);
    *y += HEAD;
    text(body, 0, *y, "head", title);
    for (who, value) in rows {
        *y += ROW;
        let class = if who == PIDONE {
            "pidone"
        } else if who == FLOOR {
            "floor"
        } else {
            "bar"
        };
        let length = (value / longest * (WIDTH - NAMES - NUMBERS) as f64).max(1.0);
        text(body, 0, *y, if who == PIDONE { "head" } else { "" }, who);
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" rx=\"2\"/>",
            *y - 11
        );
        let ratio = floor
            .filter(|floor| *floor > 0.0)
            .map_or_else(String::new, |floor| format!(" ({:.2} ×)", value / floor));
        text(body, NAMES + length as usize + 8, *y, "small", &format!("{}{ratio}", number(value)));
    }
}

fn text(body: &mut String, x: usize, y: usize, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
}
