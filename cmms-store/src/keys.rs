//! Keys of one call: each row once.

use cmms_core::Error;
use cmms_core::record::{Cell, RowSource, Sink, Table};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

/// The keys, each once.
pub(crate) fn distinct<'k, 'c>(keys: &'k [&'k [Cell<'c>]]) -> Vec<&'k [Cell<'c>]> {
    if keys.len() <= 1 {
        return keys.to_vec();
    }
    let hashes = RandomState::new();
    let mut seen: HashMap<u64, &[Cell<'c>]> = HashMap::with_capacity(keys.len());
    let mut out = Vec::with_capacity(keys.len());
    'keys: for key in keys {
        let mut hasher = hashes.build_hasher();
        key.iter().for_each(|cell| hash_cell(cell, &mut hasher));
        let mut hash = hasher.finish();
        loop {
            match seen.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(key);
                    break;
                }
                Entry::Occupied(other) if other.get() == key => continue 'keys,
                Entry::Occupied(_) => hash = hash.wrapping_add(1),
            }
        }
        out.push(*key);
    }
    out
}

/// Refuses a key that comes twice, before anything is written.
pub(crate) fn refuse_repeats(table: &'static Table, rows: &dyn RowSource) -> Result<(), Error> {
    let count = rows.len();
    if count <= 1 {
        return Ok(());
    }
    let hashes = RandomState::new();
    let mut seen: HashMap<u64, usize> = HashMap::with_capacity(count);
    for i in 0..count {
        let mut key = KeyHash(hashes.build_hasher());
        rows.key(table, i, &mut key);
        let mut hash = key.0.finish();
        // Equal hashes of unequal keys step on to the next free place.
        loop {
            match seen.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(i);
                    break;
                }
                Entry::Occupied(other) => {
                    if key_of(table, rows, *other.get()) == key_of(table, rows, i) {
                        return Err(Error::internal(format!(
                            "a key of {} comes twice in one call",
                            table.name
                        )));
                    }
                    hash = hash.wrapping_add(1);
                }
            }
        }
    }
    Ok(())
}

struct KeyHash(DefaultHasher);

impl<'a> Sink<'a> for KeyHash {
    fn put(&mut self, cell: Cell<'a>) {
        hash_cell(&cell, &mut self.0);
    }
}

fn key_of(table: &'static Table, rows: &dyn RowSource, i: usize) -> Vec<Cell<'static>> {
    struct Cells(Vec<Cell<'static>>);
    impl<'a> Sink<'a> for Cells {
        fn put(&mut self, cell: Cell<'a>) {
            self.0.push(cell.into_owned());
        }
    }
    let mut cells = Cells(Vec::new());
    rows.key(table, i, &mut cells);
    cells.0
}

/// Adds a cell to a hash.
fn hash_cell(cell: &Cell<'_>, to: &mut impl Hasher) {
    match cell {
        Cell::Null => to.write_u8(0),
        Cell::Bool(v) => v.hash(to),
        Cell::Int(v) | Cell::Time(v) => v.hash(to),
        Cell::Real(v) => v.to_bits().hash(to),
        Cell::Text(v) | Cell::Json(v) => v.hash(to),
        Cell::Bytes(v) => v.hash(to),
        Cell::Id(v) => v.as_bytes().hash(to),
    }
}
