//! Groups items by resource, and within it by scope, as OTLP has them.

use std::{collections::HashMap, sync::Arc};

use super::{resource_bytes, scope_bytes};
use crate::model::{LogRecord, Resource, Scope, Span};

pub struct UnderResource<'a, T> {
    pub resource: &'a Resource,
    pub scopes: Vec<UnderScope<'a, T>>,
}

pub struct UnderScope<'a, T> {
    pub scope: &'a Scope,
    pub items: Vec<&'a T>,
}

/// An item with a resource and a scope.
pub trait Nested {
    fn resource(&self) -> &Arc<Resource>;
    fn scope(&self) -> &Arc<Scope>;
}

impl Nested for Span {
    fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }
}

impl Nested for LogRecord {
    fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }
}

/// Resources, scopes and items each in the order in which they first appear; equal ones are one.
pub fn nested<T: Nested>(items: &[T]) -> Vec<UnderResource<'_, T>> {
    let mut nested: Vec<UnderResource<'_, T>> = Vec::new();
    let (mut resources, mut scopes) = (Known::default(), Known::default());
    // By the numbers of a resource and a scope: the place of the scope among those of the resource.
    let mut places = HashMap::new();
    for item in items {
        let (resource, new) = resources.number(item.resource(), resource_bytes);
        if new {
            nested.push(UnderResource { resource: item.resource(), scopes: Vec::new() });
        }
        let (scope, _) = scopes.number(item.scope(), scope_bytes);
        let beneath = &mut nested[resource].scopes;
        let place = *places.entry((resource, scope)).or_insert_with(|| {
            beneath.push(UnderScope { scope: item.scope(), items: Vec::new() });
            beneath.len() - 1
        });
        beneath[place].items.push(item);
    }
    nested
}

/// Numbers values, equal ones alike. Most equal values are one allocation, and are then not compared.
struct Known<T> {
    by_place: HashMap<*const T, usize>,
    by_bytes: HashMap<Vec<u8>, usize>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { by_place: HashMap::new(), by_bytes: HashMap::new() }
    }
}

impl<T> Known<T> {
    /// The number of a value, and whether it is new.
    fn number(&mut self, value: &Arc<T>, bytes: fn(&T) -> Vec<u8>) -> (usize, bool) {
        if let Some(number) = self.by_place.get(&Arc::as_ptr(value)) {
            return (*number, false);
        }
        let next = self.by_bytes.len();
        let number = *self.by_bytes.entry(bytes(value)).or_insert(next);
        self.by_place.insert(Arc::as_ptr(value), number);
        (number, number == next)
    }
}
