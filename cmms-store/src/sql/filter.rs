//! The SQL of a filter.

use super::query::{Builder, Param};
use super::{fit, quoted};
use cmms_core::ports::store::{Cmp, Filter, Related};
use cmms_core::record::{Cell, Col, Kind};
use cmms_core::{Error, Result};
use std::borrow::Cow;

/// Up to so many values stand in the text itself, in sizes that are powers of two so that texts repeat.
const INLINE: usize = 16;

/// Up to so many terms are joined flat; more become a balanced tree, since the depth of SQL is limited.
const FLAT: usize = 8;

impl<'q> Builder<'q, '_> {
    /// Writes a filter.
    pub(super) fn filter(&mut self, filter: &'q Filter<'q>) -> Result<()> {
        match filter {
            Filter::All => self.sql.push_str(self.dialect.truth(true)),
            Filter::And(all) => self.join(all, " AND ", self.dialect.truth(true))?,
            Filter::Or(any) => self.join(any, " OR ", self.dialect.truth(false))?,
            Filter::In(col, cells) => self.one_of(*col, cells)?,
            Filter::Is(col, cmp, cell) => {
                let column = self.column(*col)?;
                self.sql.push_str(match cmp {
                    Cmp::Eq => " = ",
                    Cmp::Ne => " <> ",
                    Cmp::Lt => " < ",
                    Cmp::Le => " <= ",
                    Cmp::Gt => " > ",
                    Cmp::Ge => " >= ",
                });
                self.cell(column, cell, true)?;
            }
            Filter::Null(col) => {
                self.column(*col)?;
                self.sql.push_str(" IS NULL");
            }
            Filter::Prefix(col, prefix) => self.prefix(*col, prefix)?,
            Filter::Has(col, text) => self.has(*col, text)?,
            Filter::Named(by, rows) => self.named(by, rows)?,
            Filter::Unnamed(by, rows) => {
                self.sql.push_str("NOT ");
                self.named(by, rows)?;
            }
        }
        Ok(())
    }

    /// Whether a row of another table names the row.
    fn named(&mut self, by: &Related, rows: &'q Filter<'q>) -> Result<()> {
        let names = quoted(self.find(by.names)?.name);
        let outer = format!("{}.{names}", self.dialect.table(self.table.name));
        let table = std::mem::replace(&mut self.table, by.table);
        let column = quoted(self.find(by.column)?.name);
        self.sql.push_str(&format!(
            "EXISTS (SELECT 1 FROM {} AS other WHERE {} AND other.{column} = {outer}",
            self.dialect.table(by.table.name),
            self.dialect.of_org_within("other."),
        ));
        if *rows != Filter::All {
            self.sql.push_str(" AND ");
            self.filter(rows)?;
        }
        self.sql.push(')');
        self.table = table;
        Ok(())
    }

    /// Lists that hold a text.
    fn has(&mut self, col: Col, text: &'q str) -> Result<()> {
        let column = self.find(col)?;
        if column.kind != Kind::Json {
            return Err(Error::internal(format!(
                "{}.{} is no JSON and holds no list",
                self.table.name, column.name
            )));
        }
        let number = self.number(Param::Text(Cow::Borrowed(text)));
        let has = self.dialect.has(&quoted(column.name), number);
        self.sql.push_str(&has);
        Ok(())
    }

    fn join(&mut self, filters: &'q [Filter<'q>], word: &str, none: &str) -> Result<()> {
        self.sql.push('(');
        if filters.is_empty() {
            self.sql.push_str(none);
        } else if filters.len() <= FLAT {
            for (i, filter) in filters.iter().enumerate() {
                if i > 0 {
                    self.sql.push_str(word);
                }
                self.filter(filter)?;
            }
        } else {
            let (left, right) = filters.split_at(filters.len() / 2);
            self.join(left, word, none)?;
            self.sql.push_str(word);
            self.join(right, word, none)?;
        }
        self.sql.push(')');
        Ok(())
    }

    fn one_of(&mut self, col: Col, cells: &'q [Cell<'q>]) -> Result<()> {
        let Some(last) = cells.last() else {
            self.sql.push_str(self.dialect.truth(false));
            return Ok(());
        };
        if cells.len() > INLINE {
            let column = self.find(col)?;
            for cell in cells {
                fit(self.table, column, cell, true)?;
            }
            let number = self.number(Param::Many(column.kind, cells));
            let one_of = self
                .dialect
                .one_of(&quoted(column.name), column.kind, number);
            self.sql.push_str(&one_of);
            return Ok(());
        }
        let column = self.column(col)?;
        self.sql.push_str(" IN (");
        let size = cells.len().next_power_of_two();
        let padded = cells.iter().chain(std::iter::repeat(last)).take(size);
        for (i, cell) in padded.enumerate() {
            if i > 0 {
                self.sql.push_str(", ");
            }
            self.cell(column, cell, true)?;
        }
        self.sql.push(')');
        Ok(())
    }

    /// Texts from the prefix up to the next text that does not begin so; `LIKE` would ignore case.
    fn prefix(&mut self, col: Col, prefix: &'q str) -> Result<()> {
        self.sql.push('(');
        let column = self.column(col)?;
        if column.kind != Kind::Text {
            return Err(Error::internal(format!(
                "{}.{} is no text and has no beginning",
                self.table.name, column.name
            )));
        }
        self.sql.push_str(" >= ");
        self.param(Param::Text(Cow::Borrowed(prefix)));
        if let Some(end) = successor(prefix) {
            self.sql.push_str(" AND ");
            self.column(col)?;
            self.sql.push_str(" < ");
            self.param(Param::Text(Cow::Owned(end)));
        }
        self.sql.push(')');
        Ok(())
    }
}

/// The smallest text behind all texts that begin so; `None` where there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_is_behind_every_continuation() {
        assert_eq!(successor("ab").as_deref(), Some("ac"));
        assert_eq!(successor("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10FFFF}"), None);
        assert_eq!(successor(""), None);
    }
}
