//! Which code exists in test builds only.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Whether these attributes keep an item out of every build but tests: `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
pub(crate) fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("cfg") {
            attribute
                .parse_args::<Meta>()
                .is_ok_and(|meta| implies_test(&meta))
        } else {
            attribute
                .path()
                .segments
                .last()
                .is_some_and(|last| last.ident == "test")
        }
    })
}

/// Whether a condition can hold in test builds only.
pub(crate) fn implies_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
        Meta::List(list) => {
            let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            else {
                return false;
            };
            if list.path.is_ident("all") {
                parts.iter().any(implies_test)
            } else {
                list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(implies_test)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(item: &str) -> bool {
        only_in_tests(
            &syn::parse_str::<syn::ItemFn>(&format!("{item} fn f() {{}}"))
                .unwrap()
                .attrs,
        )
    }

    #[test]
    fn only_conditions_that_need_test_exempt_code() {
        for yes in [
            "#[cfg(test)]",
            "#[cfg(all(test, unix))]",
            "#[cfg(any(test, all(test, unix)))]",
            "#[tokio::test]",
        ] {
            assert!(exempt(yes), "{yes}");
        }
        for no in [
            "",
            "#[cfg(unix)]",
            "#[cfg(any(test, feature = \"testing\"))]",
            "#[cfg(not(test))]",
            "#[inline]",
        ] {
            assert!(!exempt(no), "{no}");
        }
    }
}
