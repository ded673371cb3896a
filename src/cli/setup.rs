//! `setup`: which frameworks the project in a folder uses, and exactly what makes each send its telemetry here.
//!
//! It only reads and prints; the lines are those of the table of frameworks.

use std::{
    env,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use super::{BAD_INPUT, GOOD, json::Printable, tables::terminal_width};
use crate::{
    app::wrap::{clean_line, wrap},
    config::{
        Port, Settings,
        instances::{self, reached},
    },
    frameworks::{FRAMEWORKS, Found, Framework, Kind, Language, Project},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui setup
  sideseat-tui setup ../shop
  sideseat-tui setup --json | jq -r '.frameworks[].install[]'";

/// Where the SideSeat SDK sends by itself.
const SIDESEAT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5388);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Look at the project in this folder instead of the current one
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints what a project has to add so that its telemetry comes here.
pub fn setup(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    let folder = arguments.folder.clone().map_or_else(env::current_dir, Ok)?;
    let folder = folder.canonicalize().with_context(|| format!("cannot look at {}", folder.display()))?;
    let project = Project::of(&folder);
    let variables = variables(settings);
    let mut out = io::stdout().lock();
    if arguments.json {
        let mut out = Printable::new(&mut out);
        serde_json::to_writer_pretty(&mut out, &to_json(&project, &variables))?;
        writeln!(out)?;
    } else {
        write(&mut out, settings, &project, &variables)?;
    }
    Ok(if project.unread.is_empty() { GOOD } else { BAD_INPUT })
}

/// What to say of what the current folder's project uses without anything that would send its telemetry, in lines for the
/// terminal; empty where there is nothing to say.
pub fn uninstrumented() -> Vec<String> {
    let project = env::current_dir().map(|folder| Project::of(&folder)).unwrap_or_default();
    let lacks = |found: &&Found| {
        let Framework { kind, language, .. } = *found.framework;
        kind == Kind::Agents && !found.framework.installs(|package| project.has(language, package)).is_empty()
    };
    let names: Vec<&str> = project.found.iter().filter(lacks).map(|found| found.framework.name).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let text = format!(
        "The project in this folder uses {}, and does not declare all that sends its telemetry: `sideseat-tui setup` says \
         what to add.",
        names.join("; ")
    );
    let lines = wrap(&text, terminal_width().unwrap_or(usize::MAX));
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The variables that say where to send, which `run` sets for the program that it starts.
fn variables(settings: &Settings) -> Vec<(&'static str, String)> {
    let running = settings.paths.instances().map(|folder| instances::alive(&folder)).unwrap_or_default();
    let running = running.first();
    let at = |what: &str, set: Port, usual: u16| match (running, set) {
        (Some(running), _) => running.at(what),
        (None, Port::Off) => None,
        (None, Port::Number(0)) => Some(reached(SocketAddr::new(settings.bind.value.0, usual))),
        (None, Port::Number(number)) => Some(reached(SocketAddr::new(settings.bind.value.0, number))),
    };
    let sideseat = at("sideseat", settings.sideseat_port.value, SIDESEAT.port());
    // Where one of the two is turned off that take OTLP over HTTP, the other takes what is meant for it.
    let http = at("http", settings.http_port.value, 4318).or(sideseat);
    let sideseat = sideseat.or(http);
    let grpc = || at("grpc", settings.grpc_port.value, 4317);
    let Some((to, protocol)) = http.map(|http| (http, "http/protobuf")).or_else(|| Some((grpc()?, "grpc"))) else {
        return Vec::new();
    };
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{to}")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
    ];
    if running.is_some_and(|running| running.token.is_some()) {
        // The token itself is shown nowhere but where it is made.
        variables.push(("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20TOKEN".to_owned()));
    }
    if let Some(sideseat) = sideseat.filter(|sideseat| *sideseat != SIDESEAT) {
        variables.push(("SIDESEAT_ENDPOINT", format!("http://{sideseat}")));
    }
    variables
}

fn write(out: &mut dyn Write, settings: &Settings, project: &Project, variables: &[(&str, String)]) -> io::Result<()> {
    match &project.folder {
        Some(folder) => {
            let files = project.files.iter().map(|file| clean_line(file)).collect::<Vec<_>>().join(", ");
            writeln!(out, "{}: {files}", clean_line(&settings.paths.shown(folder)))?;
        }
        None => writeln!(out, "There is no pyproject.toml, requirements.txt, Pipfile or package.json here or above.")?,
    }
    for file in &project.unread {
        writeln!(out, "{} could not be understood.", clean_line(file))?;
    }
    let has_agents = |language: Language| {
        project.found.iter().any(|found| found.framework.kind == Kind::Agents && found.framework.language == language)
    };
    let is_beneath = |found: &&Found| found.framework.kind == Kind::Client && has_agents(found.framework.language);
    let (beneath, shown): (Vec<&Found>, Vec<&Found>) = project.found.iter().partition(is_beneath);
    for found in &shown {
        write_framework(out, project, found)?;
    }
    if shown.is_empty() {
        let mut names: Vec<&str> = FRAMEWORKS.iter().map(|framework| framework.name).collect();
        names.dedup();
        writeln!(out, "\nNone of the frameworks is declared there whose set-up is known: {}.", names.join("; "))?;
        writeln!(out, "Any other OpenTelemetry SDK sends here with the variables below.")?;
    }
    for found in &beneath {
        let Framework { name, install, .. } = found.framework;
        let package = install.first().and_then(|line| line.split(' ').next()).unwrap_or_default();
        writeln!(
            out,
            "\n{name}: its calls come with the spans of what is above. Calls that your program makes itself need {package}."
        )?;
    }
    let example = shown.first().map_or(Language::Python, |found| found.framework.language).example();
    writeln!(out, "\nThen start it in front of an open sideseat-tui; this says where to send, for that program only:")?;
    writeln!(out, "    sideseat-tui run -- {example}")?;
    if variables.is_empty() {
        return writeln!(out, "All its ports are turned off now: nothing can be sent here.");
    }
    writeln!(out, "or set that yourself:")?;
    variables.iter().try_for_each(|(name, value)| writeln!(out, "    export {name}={value}"))
}

fn write_framework(out: &mut dyn Write, project: &Project, found: &Found) -> io::Result<()> {
    let Found { framework, files } = found;
    let files: Vec<String> = files.iter().map(|file| clean_line(file)).collect();
    writeln!(out, "\n{} ({}, in {})", framework.name, framework.language.as_str(), files.join(", "))?;
    let installs = framework.installs(|package| project.has(framework.language, package));
    if !installs.is_empty() {
        writeln!(out, "  install:")?;
        installs.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    if !framework.variables.is_empty() {
        writeln!(out, "  set:")?;
        framework.variables.iter().try_for_each(|(name, value)| writeln!(out, "    export {name}={value}"))?;
    }
    let lines = framework.lines();
    if !lines.is_empty() {
        writeln!(out, "  add, before the first agent or client is made:")?;
        lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    if !framework.note.is_empty() {
        writeln!(out, "  {}", framework.note)?;
    }
    Ok(())
}

fn to_json(project: &Project, variables: &[(&'static str, String)]) -> Json {
    let frameworks = project.found.iter().map(|Found { framework, files }| {
        let variables = framework.variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        json!({
            "name": framework.name,
            "language": framework.language.as_str(),
            "runs_agents": framework.kind == Kind::Agents,
            "declared_in": files,
            "install": framework.installs(|package| project.has(framework.language, package)),
            "variables": Json::Object(variables.collect()),
            "lines": framework.lines(),
            "note": framework.note,
        })
    });
    json!({
        "folder": project.folder.as_ref().map(|folder| folder.display().to_string()),
        "files": project.files,
        "not_understood": project.unread,
        "frameworks": frameworks.collect::<Vec<_>>(),
        "variables": Json::Object(variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()),
    })
}
