//! What is wrong with mappings that are tried, each once, with what to do.

use super::preview::PreviewError;

/// The most errors that are listed; those of several records with the same rule and value are one.
const MOST_ERRORS: usize = 1_000;

/// Adds an error, or counts it where the same rule fails on the same value of another record.
pub(super) fn add(errors: &mut Vec<PreviewError>, error: PreviewError) {
    let same = |e: &&mut PreviewError| {
        (e.mapping, &e.field, &e.reason, &e.value)
            == (error.mapping, &error.field, &error.reason, &error.value)
            && e.external_id.is_some()
            && error.external_id.is_some()
    };
    if let Some(known) = errors.iter_mut().find(same) {
        known.records += 1;
    } else if errors.len() < MOST_ERRORS {
        errors.push(error);
    }
}

pub(super) fn remedy(reason: &str) -> &'static str {
    match reason {
        "missing_field" => {
            "Name another source_field, add a rule with a default, or set is_required to false."
        }
        "not_in_table" => "Add the word to the table, or give the rule a default.",
        "unknown_value" => "Use one of the listed words; a lookup translates the vendor's.",
        "bad_date" => "Correct the format of the rule; date_format reads other ways of writing.",
        "bad_number" | "bad_boolean" => {
            "Correct the record at the vendor, or take another source_field."
        }
        "large_number" => {
            "Have the vendor send the number as text, or make a text of it with type_conversion."
        }
        "too_long" => {
            "Shorten it with a rule of type substring, or map it to a field that takes longer texts."
        }
        "out_of_range" => "Correct the record at the vendor, or replace the value with a rule.",
        "wrong_type" => {
            "Take a field that holds the right type, or convert it with type_conversion."
        }
        "mapping_target" => "Use one of the listed fields.",
        "rule_not_supported" => "Use one of the listed types.",
        "mapping_exists" => "Keep one mapping for each target.",
        "no_inverse" => "Use direction `in`, or a rule that can be turned round.",
        "nul_character" => "Correct the record at the vendor: the character U+0000 cannot be kept.",
        _ => "Correct the named part of the mapping, or the record at the vendor.",
    }
}
