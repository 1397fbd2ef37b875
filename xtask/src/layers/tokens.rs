//! Paths in token streams: what macro calls, macro definitions and attributes mention.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A path as written, its segments without generics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The segments; `$crate` is `crate`.
    pub(crate) path: Vec<String>,
    /// The line of its first segment.
    pub(crate) line: usize,
    /// Whether it names the macro of a call.
    pub(crate) call: bool,
}

/// All paths in the tokens of a macro or an attribute.
///
/// In an attribute, strings that are paths count too: `#[serde(with = "crate::x")]`.
pub(crate) fn scan(tokens: TokenStream, attribute: bool) -> Vec<Mention> {
    let mut scan = Scan { found: Vec::new() };
    scan.stream(tokens, 0, attribute);
    scan.found
}

/// All identifiers in the tokens, at any depth: what a macro call may define.
pub(crate) fn idents(tokens: TokenStream, to: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => to.push(plain(&ident)),
            TokenTree::Group(group) => idents(group.stream(), to),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// An identifier without `r#`.
pub(crate) fn plain(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

struct Scan {
    found: Vec<Mention>,
}

impl Scan {
    /// `depth` counts the modules opened inside the tokens: `super` climbs out of them first.
    fn stream(&mut self, tokens: TokenStream, depth: usize, attribute: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while let Some(token) = tokens.get(i) {
            match token {
                TokenTree::Punct(p) if p.as_char() == '#' => {
                    let bang = usize::from(is_punct(tokens.get(i + 1), '!'));
                    match tokens.get(i + 1 + bang) {
                        Some(TokenTree::Group(group))
                            if group.delimiter() == Delimiter::Bracket =>
                        {
                            if !is_doc(&group.stream()) {
                                self.stream(group.stream(), depth, true);
                            }
                            i += 2 + bang;
                        }
                        _ => i += 1,
                    }
                }
                TokenTree::Group(group) => {
                    self.stream(
                        group.stream(),
                        depth + usize::from(opens_module(&tokens, i)),
                        attribute,
                    );
                    i += 1;
                }
                TokenTree::Literal(literal) => {
                    if attribute {
                        self.text(&literal.to_string(), literal.span().start().line, depth);
                    }
                    i += 1;
                }
                TokenTree::Ident(_) => i = self.path(&tokens, i, Vec::new(), depth),
                TokenTree::Punct(_) => i += 1,
            }
        }
    }

    /// Reads the path that starts at `i` behind `before`, and returns where to go on.
    fn path(
        &mut self,
        tokens: &[TokenTree],
        mut i: usize,
        before: Vec<String>,
        depth: usize,
    ) -> usize {
        let start = i;
        let line = tokens.get(i).map_or(0, |t| t.span().start().line);
        let nested = !before.is_empty();
        let mut path = before;
        while let Some(TokenTree::Ident(ident)) = tokens.get(i) {
            path.push(plain(ident));
            i += 1;
            if !is_colons(tokens, i) {
                break;
            }
            match tokens.get(i + 2) {
                Some(TokenTree::Ident(_)) => i += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.group(group.stream(), &path, depth);
                    return i + 3;
                }
                _ => {
                    i += 2;
                    break;
                }
            }
        }
        let behind = start.checked_sub(1).and_then(|b| tokens.get(b));
        let after_colons = start >= 2 && is_colons(tokens, start - 2);
        let variable = is_punct(behind, '$') && path.first().is_none_or(|first| first != "crate");
        if nested || !(after_colons || variable || is_punct(behind, '.')) {
            let call = is_punct(tokens.get(i), '!') && !is_punct(tokens.get(i + 1), '=');
            self.add(path, line, call, depth);
        }
        i
    }

    /// The braces of `use a::{b::c, d}`.
    fn group(&mut self, tokens: TokenStream, before: &[String], depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while let Some(token) = tokens.get(i) {
            match token {
                TokenTree::Ident(ident) if *ident == "self" => {
                    self.add(before.to_vec(), ident.span().start().line, false, depth);
                    i += 1;
                }
                TokenTree::Ident(_) => i = self.path(&tokens, i, before.to_vec(), depth),
                TokenTree::Punct(p) if p.as_char() == '*' => {
                    self.add(before.to_vec(), p.span().start().line, false, depth);
                    i += 1;
                }
                _ => i += 1,
            }
            // Up to the next part: what is left of this one is a new name or a star.
            while tokens.get(i).is_some() && !is_punct(tokens.get(i), ',') {
                i += 1;
            }
            i += 1;
        }
    }

    /// A string in an attribute that is a path of this crate.
    fn text(&mut self, literal: &str, line: usize, depth: usize) {
        let Ok(text) = syn::parse_str::<syn::LitStr>(literal) else {
            return;
        };
        let Ok(path) = syn::parse_str::<syn::Path>(&text.value()) else {
            return;
        };
        let path: Vec<String> = path.segments.iter().map(|s| plain(&s.ident)).collect();
        let local = path
            .first()
            .is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()));
        if local && path.len() > 1 {
            self.add(path, line, false, depth);
        }
    }

    fn add(&mut self, path: Vec<String>, line: usize, call: bool, depth: usize) {
        let Some(path) = climb(path, depth) else {
            return;
        };
        if path.len() > 1
            || !path
                .first()
                .is_some_and(|only| ["crate", "self", "super"].contains(&only.as_str()))
        {
            self.found.push(Mention { path, line, call });
        }
    }
}

/// The path as seen from outside of `depth` modules; `None` when it stays inside of them.
fn climb(path: Vec<String>, depth: usize) -> Option<Vec<String>> {
    if depth == 0 || path.first().is_some_and(|first| first == "crate") {
        return Some(path);
    }
    let path: Vec<String> = path
        .into_iter()
        .skip_while(|segment| segment == "self")
        .collect();
    let ups = path
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    let rest = path.get(ups..)?.to_vec();
    match ups.checked_sub(depth)? {
        0 => Some(std::iter::once("self".to_owned()).chain(rest).collect()),
        left => Some(
            std::iter::repeat_n("super".to_owned(), left)
                .chain(rest)
                .collect(),
        ),
    }
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == mark)
}

/// Whether `::` stands at `i`.
fn is_colons(tokens: &[TokenTree], i: usize) -> bool {
    matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint)
        && is_punct(tokens.get(i + 1), ':')
}

/// Whether the group at `i` is the body of `mod name { … }`.
fn opens_module(tokens: &[TokenTree], i: usize) -> bool {
    let word = |back: usize| match i.checked_sub(back).and_then(|at| tokens.get(at)) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    };
    let named = word(1).is_some() && (word(2).as_deref() == Some("mod"));
    let variable =
        word(1).is_some() && is_punct(i.checked_sub(2).and_then(|at| tokens.get(at)), '$');
    named || variable && word(3).as_deref() == Some("mod")
}

fn is_doc(attribute: &TokenStream) -> bool {
    matches!(attribute.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        scan(text.parse().unwrap(), false)
            .into_iter()
            .map(|m| m.path.join("::"))
            .collect()
    }

    #[test]
    fn paths_of_the_crate_are_found_at_any_depth() {
        assert_eq!(
            paths("f(vec![crate::services::run(1)])"),
            ["f", "vec", "crate::services::run"]
        );
        assert_eq!(paths("$crate::record::Field"), ["crate::record::Field"]);
        assert_eq!(
            paths("use crate::{a::b as c, d::*, self, e::{f, g}}"),
            [
                "use",
                "crate::a::b",
                "crate::d",
                "crate::e::f",
                "crate::e::g"
            ]
        );
        assert_eq!(paths("pub(crate) a"), ["pub", "a"]);
    }

    #[test]
    fn what_starts_elsewhere_is_no_path_of_ours() {
        assert_eq!(paths("x.services()"), ["x"]);
        assert_eq!(paths("::services::x"), [""; 0]);
        assert_eq!(paths("$name::services::x"), [""; 0]);
    }

    #[test]
    fn super_climbs_out_of_modules_inside_the_tokens() {
        let found = paths("mod m { use super::x; use super::super::y; z }");
        assert_eq!(found, ["mod", "m", "self::x", "super::y"]);
    }

    #[test]
    fn strings_count_in_attributes_but_not_in_documentation() {
        assert_eq!(
            paths("#[serde(with = \"crate::services::x\")] a: u8"),
            ["serde", "with", "crate::services::x", "a", "u8"]
        );
        assert_eq!(paths("#[doc = \"crate::services::x\"] a"), ["a"]);
        assert_eq!(paths("\"crate::services::x\""), [""; 0]);
    }
}
