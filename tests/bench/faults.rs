//! Milliseconds from the end of the last span of a program until the screen says what is wrong with it, for each of nine
//! faults: sent by OpenTelemetry's SDK over a socket to the program in a terminal. No key is pressed. Two seconds are
//! promised.

use std::time::Duration;

use crate::faulty::{DYING, FAULTS, sdk};
use crate::program::Home;
use crate::pty::Terminal;

const ROUNDS: usize = 5;

pub fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let faults = || FAULTS.iter().chain([&DYING]);
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); faults().count()];
    for _ in 0..ROUNDS {
        // Each round has a store of its own: what was said in the one before is not on the screen.
        let mut terminal = Terminal::start(Home::new(), &[], &[]);
        terminal.shows("Send your first trace");
        let endpoint = format!("http://{}/v1/traces", terminal.http());
        for ((_, spans, texts), times) in faults().zip(&mut times) {
            let ended = sdk::sends(&endpoint, &spans());
            texts.iter().for_each(|text| terminal.shows(text));
            times.push(ended.elapsed());
        }
        terminal.press("q");
        terminal.ends(0);
    }
    for ((name, ..), times) in faults().zip(&mut times) {
        times.sort_unstable();
        println!("{name:<52} median {:>9.2?}   slowest {:>9.2?}", times[ROUNDS / 2], times[ROUNDS - 1]);
    }
}
