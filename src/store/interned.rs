//! The resources and scopes of a group: each is encoded and hashed once, however many records share it.

use std::{collections::HashMap, hash::Hash, sync::Arc};

/// Resources or scopes of type `T`, whose ids are of type `Id`.
pub struct Interned<T, Id> {
    /// The id of each, by the address of its allocation: records of one export share it.
    ids: HashMap<*const T, Id>,
    /// Their encoded forms; of those that are stored already they are dropped before the group is written.
    pub new: HashMap<Id, Vec<u8>>,
}

impl<T, Id> Default for Interned<T, Id> {
    fn default() -> Self {
        Self { ids: HashMap::new(), new: HashMap::new() }
    }
}

impl<T, Id: Copy + Eq + Hash> Interned<T, Id> {
    /// The id of a resource or scope: `id_of` its encoded form.
    pub fn intern(&mut self, shared: &Arc<T>, encode: fn(&T) -> Vec<u8>, id_of: fn(&[u8]) -> Id) -> Id {
        *self.ids.entry(Arc::as_ptr(shared)).or_insert_with(|| {
            let encoded = encode(shared);
            let id = id_of(&encoded);
            self.new.insert(id, encoded);
            id
        })
    }

    /// The id of a resource or scope that was interned; `None` for any other.
    pub fn id(&self, shared: &Arc<T>) -> Option<Id> {
        self.ids.get(&Arc::as_ptr(shared)).copied()
    }
}
