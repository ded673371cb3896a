//! The resources and scopes of a group: each is encoded and hashed once, however many records share it.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash},
    sync::Arc,
};

/// Resources or scopes of type `T`, whose ids are of type `Id`.
pub struct Interned<T, Id> {
    /// The id of each, by the address of its allocation: records of one export share it.
    ids: HashMap<*const T, Id>,
    /// Encoded forms of those that are not stored yet.
    pub new: HashMap<Id, Vec<u8>>,
}

impl<T, Id> Default for Interned<T, Id> {
    fn default() -> Self {
        Self { ids: HashMap::new(), new: HashMap::new() }
    }
}

impl<T, Id: Copy + Eq + Hash> Interned<T, Id> {
    /// The id of a resource or scope: `id_of` its encoded form. That form is kept if the id is not among `stored`.
    pub fn intern(
        &mut self,
        shared: &Arc<T>,
        encode: fn(&T) -> Vec<u8>,
        id_of: fn(&[u8]) -> Id,
        stored: &HashSet<Id, impl BuildHasher>,
    ) -> Id {
        *self.ids.entry(Arc::as_ptr(shared)).or_insert_with(|| {
            let encoded = encode(shared);
            let id = id_of(&encoded);
            if !stored.contains(&id) {
                self.new.insert(id, encoded);
            }
            id
        })
    }

    /// The id of a resource or scope that was interned; `None` for any other.
    pub fn id(&self, shared: &Arc<T>) -> Option<Id> {
        self.ids.get(&Arc::as_ptr(shared)).copied()
    }
}
