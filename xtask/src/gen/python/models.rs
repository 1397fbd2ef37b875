//! The words and records of the Python package.

use super::{doc, head, output};
use crate::r#gen::api::{Api, Field, Object, Type};
use std::fmt::Write as _;

/// `models.py`: enums and records.
pub(in crate::r#gen) fn models(api: &Api) -> String {
    let mut out =
        head("What operations answer: records with typed fields, and the words they use.");
    out.push_str(
        "from datetime import date, datetime\nfrom decimal import Decimal\nfrom typing import Any\nfrom uuid import UUID\n\n\
         from ._values import Model, OpenEnum, UrgencyEnum, as_date, as_time\n",
    );
    for (name, words) in &api.enums {
        word_list(&mut out, name, words);
    }
    for (name, object) in &api.objects {
        model(&mut out, name, object);
    }
    out.push_str("\n\n__all__ = [\n");
    let mut names: Vec<&String> = api.enums.keys().chain(api.objects.keys()).collect();
    names.sort();
    for name in names {
        let _ = writeln!(out, "    {name:?},");
    }
    out.push_str("]\n");
    out
}

/// The words that are ordered by urgency, and whether the most urgent one comes first in the table.
const BY_URGENCY: &[(&str, bool)] = &[("AssetCondition", false), ("Priority", true)];

fn word_list(out: &mut String, name: &str, words: &[String]) {
    let urgency = BY_URGENCY.iter().find(|(ordered, _)| *ordered == name);
    let mut words: Vec<&String> = words.iter().collect();
    let mut base = "OpenEnum";
    let mut about = "One of these words; one of a newer version is kept as it is.".to_owned();
    if let Some((_, falls)) = urgency {
        if *falls {
            words.reverse();
        }
        base = "UrgencyEnum";
        let order: Vec<String> = words.iter().map(|word| constant(word)).collect();
        about = format!("{about} Ordered by urgency: `{}`.", order.join(" < "));
    }
    let _ = write!(out, "\n\nclass {name}({base}):\n    {}\n\n", doc(&about, 4));
    for word in words {
        let _ = writeln!(out, "    {} = {word:?}", constant(word));
    }
}

fn model(out: &mut String, name: &str, object: &Object) {
    let _ = write!(
        out,
        "\n\nclass {name}(Model):\n    {}\n\n    __slots__ = ()\n    _fields = (\n",
        doc(&object.doc, 4)
    );
    for field in &object.fields {
        let _ = writeln!(out, "        {:?},", field.name);
    }
    out.push_str("    )\n");
    for field in &object.fields {
        let optional = field.nullable || !field.required;
        let typed = match (&field.ty, optional) {
            (Type::Any, _) => "Any".to_owned(),
            (ty, true) => format!("{} | None", output(ty)),
            (ty, false) => output(ty),
        };
        let _ = write!(
            out,
            "\n    @property\n    def {}(self) -> {typed}:\n        {}\n",
            field.name,
            doc(&field.doc, 8)
        );
        body(out, field, optional);
    }
}

/// How a field is made of the JSON value.
fn body(out: &mut String, field: &Field, optional: bool) {
    let name = &field.name;
    let plain = convert(&field.ty, "value") == "value";
    let _ = match (plain, optional) {
        // The annotation says what JSON cannot.
        (true, true) => writeln!(out, "        return self._data.get({name:?})"),
        (true, false) => writeln!(
            out,
            "        value: {} = self._data[{name:?}]\n        return value",
            output(&field.ty)
        ),
        (false, true) => writeln!(
            out,
            "        value = self._data.get({name:?})\n        return None if value is None else {}",
            convert(&field.ty, "value")
        ),
        (false, false) => writeln!(
            out,
            "        value = self._data[{name:?}]\n        return {}",
            convert(&field.ty, "value")
        ),
    };
}

fn convert(ty: &Type, value: &str) -> String {
    match ty {
        Type::Text | Type::Int | Type::Float | Type::Bool | Type::Any => value.to_owned(),
        Type::Uuid => format!("UUID({value})"),
        Type::Time | Type::TimeOrDate => format!("as_time({value})"),
        Type::Date => format!("as_date({value})"),
        Type::Money => format!("Decimal({value})"),
        Type::Enum(name) | Type::Object(name) => format!("{name}({value})"),
        Type::List(of) => match convert(of, "item").as_str() {
            "item" => value.to_owned(),
            item => format!("[{item} for item in {value}]"),
        },
        Type::Map(of) => match convert(of, "item").as_str() {
            "item" => value.to_owned(),
            item => format!("{{key: {item} for key, item in {value}.items()}}"),
        },
    }
}

/// The constant of a word: `in_progress` is `IN_PROGRESS`, `-created_at` is `CREATED_AT_DESC`.
fn constant(word: &str) -> String {
    match word.strip_prefix('-') {
        Some(word) => format!("{}_DESC", constant(word)),
        None => word.to_ascii_uppercase(),
    }
}
