//! Small tables on a terminal.

use super::terminal::shortened;

/// Prints rows under a head; columns are as wide as their widest cell, 48 characters at most.
pub(super) fn print(head: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| shortened(cell, 48)).collect())
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
