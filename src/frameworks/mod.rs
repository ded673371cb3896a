//! How programs that use an agent framework are made to send their telemetry here, and which frameworks a project uses.
//!
//! ```text
//!   table     FRAMEWORKS: what to install, which lines to add, which variables to set; a row a framework
//!   project   the frameworks that the files of a folder declare
//! ```
//!
//! The first-run screen, `setup` and `doctor` all take from here. Which switch of an instrumentation brings what is missing
//! in its spans is no part of it: that is known of scopes, in `dialects`.

mod project;
mod table;

pub use project::{Found, Project};
pub use table::{FRAMEWORKS, LANGGRAPH, OPENAI_AGENTS, SIDESEAT, STRANDS};

/// A framework, or the client of a model's API, and what makes a program that uses it send its telemetry.
#[derive(Debug)]
pub struct Framework {
    pub name: &'static str,
    pub language: Language,
    pub kind: Kind,
    /// The packages by which a project that uses it is known, as their registry names them.
    pub packages: &'static [&'static str],
    /// What to install: arguments for `pip install` or `npm install`, a line each.
    pub install: &'static [&'static str],
    /// Variables that it needs beside those that every program needs, which `run` sets.
    pub variables: &'static [(&'static str, &'static str)],
    pub code: Code,
    /// What else there is to know; empty if nothing.
    pub note: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    Python,
    Node,
}

/// Whether something runs agents, or only calls models. The calls that a framework makes come with its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Agents,
    Client,
}

/// The lines that a program has to run before it makes its agents.
#[derive(Debug)]
pub enum Code {
    /// These.
    Lines(&'static [&'static str]),
    /// These imports, what makes an OpenTelemetry SDK export, and then these.
    Exporting { imports: &'static [&'static str], then: &'static [&'static str] },
}

/// What makes OpenTelemetry's SDK for Python export, after its imports.
const PYTHON: [&str; 5] = [
    "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter",
    "from opentelemetry.sdk.trace import TracerProvider",
    "from opentelemetry.sdk.trace.export import BatchSpanProcessor",
    "provider = TracerProvider()",
    "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))",
];

/// The same for Node.
const NODE: [&str; 3] = [
    "import { NodeSDK } from '@opentelemetry/sdk-node';",
    "const sdk = new NodeSDK();   // `await sdk.shutdown()` before the program ends",
    "sdk.start();",
];

impl Framework {
    /// Whether this is the row of another.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.language == other.language && self.packages == other.packages
    }

    /// The lines that the program has to run before it makes its agents.
    #[must_use]
    pub fn lines(&self) -> Vec<&'static str> {
        match self.code {
            Code::Lines(lines) => lines.to_vec(),
            Code::Exporting { imports, then } => {
                let exporting: &[&str] = match self.language {
                    Language::Python => &PYTHON,
                    Language::Node => &NODE,
                };
                [imports, exporting, then].concat()
            }
        }
    }

    /// The commands that install what is missing, given which packages are there already.
    pub fn installs(&self, has: impl Fn(&str) -> bool) -> Vec<String> {
        let command = match self.language {
            Language::Python => "pip install",
            Language::Node => "npm install",
        };
        let missing = self.install.iter().map(|line| {
            let missing = line.split(' ').filter(|package| !has(package));
            // Shells would take the brackets for a pattern.
            missing.map(|package| if package.contains('[') { format!("'{package}'") } else { package.to_owned() })
        });
        let lines = missing.map(|packages| packages.collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty());
        lines.map(|packages| format!("{command} {packages}")).collect()
    }
}

impl Language {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Node => "Node",
        }
    }

    /// An example of a command that starts a program of this language.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Python => "python my_agent.py",
            Self::Node => "node my_agent.mjs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_how_and_no_package_is_in_two() {
        let mut packages = Vec::new();
        for framework in FRAMEWORKS {
            let says = !framework.lines().is_empty() || !framework.variables.is_empty();
            assert!(says && !framework.packages.is_empty(), "{}", framework.name);
            packages.extend(framework.packages.iter().map(|package| (framework.language.as_str(), package)));
            for package in framework.packages.iter().filter(|_| framework.language == Language::Python) {
                assert_eq!(*package, project::normal(package), "{}", framework.name);
            }
        }
        let all = packages.len();
        packages.sort_unstable();
        packages.dedup();
        assert_eq!(packages.len(), all);
    }

    #[test]
    fn what_is_there_is_not_installed_again() {
        assert_eq!(SIDESEAT.installs(|_| false), ["pip install 'sideseat[aws]'"]);
        assert_eq!(LANGGRAPH.installs(|_| true), [""; 0]);
        let has = |package: &str| package == "opentelemetry-sdk";
        assert_eq!(LANGGRAPH.installs(has)[1], "pip install opentelemetry-exporter-otlp-proto-http");
    }
}
