//! Kill -9 at random moments of everything that the program does, again and again on one store: `cargo bench -- crash`.
//! `SIDESEAT_TUI_CYCLES` says how often (200).

use std::time::Instant;

use crate::cycles::{Cycles, Moment};

pub fn run() {
    let cycles: usize = std::env::var("SIDESEAT_TUI_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let seed = Cycles::any_seed();
    println!("seed {seed}, {cycles} cycles");
    let (mut driver, began) = (Cycles::new(seed), Instant::now());
    for cycle in 1..=cycles {
        driver.cycle(Moment::ALL[cycle % Moment::ALL.len()]);
        if cycle % 20 == 0 || cycle == cycles {
            let found = driver.verify();
            println!(
                "{cycle:>4} cycles: {} traces acknowledged, {} stored, {} removed by retention, 0 lost, 0 doubled; \
                 slowest start {:?}, {:.0?}",
                found.acknowledged,
                found.stored,
                found.removed,
                driver.slowest_start,
                began.elapsed(),
            );
        }
    }
    println!("killed at: {:?}", driver.killed);
}
