//! What a row of `traces` needs of the steps of its trace.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

use crate::{assemble::Step, pricing::Prices};

/// How the steps of a trace differ from those that are stored.
#[derive(Clone)]
pub struct StepChange {
    /// So many of them are stored as they are.
    pub kept: usize,
    /// There may be others stored after those.
    pub gone: bool,
    /// The hashes of all of them.
    pub hashes: Vec<u64>,
}

impl StepChange {
    /// Compares steps with the hashes of those that are stored; `None`: anything may be stored.
    pub fn of(steps: &[Step], stored: Option<&[u64]>) -> Self {
        let builder = BuildHasherDefault::<DefaultHasher>::default();
        let hashes: Vec<u64> = steps.iter().map(|step| builder.hash_one(step)).collect();
        let kept = stored.unwrap_or_default().iter().zip(&hashes).take_while(|(stored, now)| stored == now).count();
        Self { kept, gone: stored.is_none_or(|stored| stored.len() > kept), hashes }
    }
}

/// The largest share of a model's window that a prompt filled, in thousandths.
pub fn filled(steps: &[Step], prices: &Prices) -> Option<u64> {
    let mut windows: HashMap<(Option<&str>, &str), Option<u64>> = HashMap::new();
    let filled = steps.iter().filter_map(|step| {
        let (provider, model, input) = (step.provider.as_deref(), step.model.as_deref()?, step.usage.input()?);
        let window = *windows.entry((provider, model)).or_insert_with(|| prices.window(provider, Some(model), None));
        let share = u128::from(input) * 1000 / u128::from(window.filter(|window| *window > 0)?);
        Some(u64::try_from(share).unwrap_or(u64::MAX))
    });
    filled.max()
}
