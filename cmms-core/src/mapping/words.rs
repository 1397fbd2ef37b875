//! Tables of words, prepared for many look-ups.

use std::borrow::Cow;
use std::collections::HashMap;

/// A vendor's word as it is compared: lower case, without spaces, dashes and underscores.
pub fn normal(word: &str) -> String {
    word.chars()
        .filter(|c| !c.is_whitespace() && *c != '-' && *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_number(word: &str) -> bool {
    word.starts_with([
        '-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]) && word.parse::<f64>().is_ok()
}

/// Words with what they stand for. A word in the spelling of the table is found without any work on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Dictionary<T> {
    exact: HashMap<Box<str>, T>,
    normal: HashMap<Box<str>, T>,
}

impl<T: Clone> Dictionary<T> {
    /// Adds a word, unless an equal one is there; `exact`: one in exactly this spelling.
    pub(super) fn add(&mut self, word: &str, value: T, exact: bool) {
        if self.exact.contains_key(word) {
            return;
        }
        let value = if exact {
            value
        } else {
            // What stands first counts, in every spelling.
            let normal = normal(word).into_boxed_str();
            self.normal.entry(normal).or_insert(value).clone()
        };
        self.exact.insert(word.into(), value);
    }

    /// What a word stands for in exactly this spelling.
    pub(super) fn exact(&self, word: &str) -> Option<&T> {
        self.exact.get(word)
    }

    /// What a word stands for, without regard to case, spaces, dashes and underscores; a number stands for itself.
    pub(super) fn find(&self, word: &str) -> Option<&T> {
        // The dash of a number is its sign.
        if is_number(word.trim()) {
            return self.exact.get(word.trim());
        }
        self.exact
            .get(word)
            .or_else(|| self.normal.get(&*normal(word)))
    }
}

impl Dictionary<Cow<'static, str>> {
    /// The words that stand for themselves.
    pub(super) fn of(words: &'static [&'static str]) -> Self {
        let mut all = Self::default();
        for word in words {
            all.add(word, Cow::Borrowed(word), false);
        }
        all
    }
}
