//! Numbers that stand for what a caller holds: one that is none, or no longer one, is found out.

use std::sync::{Arc, PoisonError, RwLock};

/// How many bits of a handle tell the place, the age and the kind.
const PLACE: u32 = 32;
const AGE: u32 = 24;

/// Things of one kind by their handles.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    /// The upper 8 bits of each handle.
    kind: u8,
    slots: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    all: Vec<Slot<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot<T> {
    /// Counts how often the place was given out, so that an old handle leads nowhere.
    age: u32,
    held: Option<Arc<T>>,
}

impl<T> Handles<T> {
    /// None yet; no two kinds are the same, and none is 0.
    pub(crate) const fn of_kind(kind: u8) -> Self {
        Self {
            kind,
            slots: RwLock::new(Slots {
                all: Vec::new(),
                free: Vec::new(),
            }),
        }
    }

    /// Keeps a thing and gives its handle.
    pub(crate) fn put(&self, thing: T) -> u64 {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let place = match slots.free.pop() {
            Some(place) => place,
            None => {
                slots.all.push(Slot { age: 0, held: None });
                slots.all.len() - 1
            }
        };
        let Some(slot) = slots.all.get_mut(place) else {
            return 0;
        };
        slot.age = (slot.age + 1) & ((1 << AGE) - 1);
        slot.held = Some(Arc::new(thing));
        let age = slot.age;
        (u64::from(self.kind) << (PLACE + AGE)) | (u64::from(age) << PLACE) | place as u64
    }

    /// The thing of a handle.
    pub(crate) fn get(&self, handle: u64) -> Option<Arc<T>> {
        let (place, age) = self.parts(handle)?;
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.all.get(place).filter(|slot| slot.age == age)?;
        slot.held.clone()
    }

    /// Gives a thing up: its handle leads nowhere any more.
    pub(crate) fn take(&self, handle: u64) -> Option<Arc<T>> {
        let (place, age) = self.parts(handle)?;
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.all.get_mut(place).filter(|slot| slot.age == age)?;
        let held = slot.held.take()?;
        slots.free.push(place);
        Some(held)
    }

    fn parts(&self, handle: u64) -> Option<(usize, u32)> {
        let kind = (handle >> (PLACE + AGE)) as u8;
        let age = (handle >> PLACE) as u32 & ((1 << AGE) - 1);
        let place = usize::try_from(handle & ((1 << PLACE) - 1)).ok()?;
        (kind == self.kind).then_some((place, age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_handle_leads_nowhere_even_if_its_place_is_taken() {
        let handles = Handles::of_kind(7);
        let first = handles.put("first");
        assert_eq!(handles.take(first).as_deref(), Some(&"first"));
        let second = handles.put("second");
        assert_ne!(first, second);
        assert!(handles.get(first).is_none() && handles.take(first).is_none());
        assert_eq!(handles.get(second).as_deref(), Some(&"second"));
    }

    #[test]
    fn a_handle_of_another_kind_is_none() {
        let (a, b) = (Handles::of_kind(1), Handles::<()>::of_kind(2));
        let handle = a.put(());
        assert!(b.get(handle).is_none());
        assert!(a.get(0).is_none() && a.get(u64::MAX).is_none());
    }
}
