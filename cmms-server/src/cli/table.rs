//! Small tables on a terminal.

use super::terminal::shortened;
use std::io::IsTerminal as _;

/// The most characters of a cell on a terminal. What another program reads is not cut.
const WIDEST: usize = 48;

/// Prints rows under a head; columns are as wide as their widest cell.
pub(super) fn print(head: &[&str], rows: &[Vec<String>]) {
    let widest = match std::io::stdout().is_terminal() {
        true => WIDEST,
        false => usize::MAX,
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| shortened(cell, widest)).collect())
        .collect();
    let width = |i: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(i))
            .map(|cell| cell.chars().count());
        cells
            .chain(head.get(i).map(|h| h.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(i, cell)| {
                let number = !cell.is_empty()
                    && cell
                        .chars()
                        .all(|c| c.is_ascii_digit() || c == '.' || c == ',');
                if number {
                    format!("{cell:>w$}", w = width(i))
                } else {
                    format!("{cell:<w$}", w = width(i))
                }
            })
            .collect();
        say!("  {}", padded.join("  ").trim_end());
    };
    line(&head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
}
