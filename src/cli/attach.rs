//! `attach ADDRESS`: the screen over what a sideseat-tui on another machine receives.

use super::{is_read_by_a_person, screens::Address, watch, watching::Shows};
use crate::config::{Settings, TokenChoice};

pub const EXAMPLES: &str = "\
Examples:
  ssh -N -L 14318:127.0.0.1:4318 build-box &      # nobody else reads along
  sideseat-tui attach 127.0.0.1:14318
  SIDESEAT_TUI_TOKEN=… sideseat-tui attach build-box:4318

There: SIDESEAT_TUI_TOKEN=… sideseat-tui serve, with --bind 0.0.0.0 where the port is reached without ssh.";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where it takes OTLP over HTTP: HOST or HOST:PORT (4318)
    #[arg(value_name = "ADDRESS")]
    address: Address,
}

/// Shows the screen until someone quits.
pub fn attach(settings: &Settings, arguments: Arguments) -> anyhow::Result<u8> {
    anyhow::ensure!(is_read_by_a_person(), "standard output is no terminal, so there is no screen");
    let token = match &settings.token.value {
        Some(TokenChoice::This(secret)) => Some(secret.clone()),
        Some(TokenChoice::Generate) => {
            anyhow::bail!("the token is the one that the other sideseat-tui was started with")
        }
        Some(TokenChoice::Unusable(why)) => anyhow::bail!("{why}"),
        None => None,
    };
    watch::show(settings, Shows::Far { address: arguments.address, token })
}
