//! Which frameworks the files of a project declare: `pyproject.toml`, `requirements*.txt`, `Pipfile`, `package.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{FRAMEWORKS, Framework, Language};

/// Most bytes that are read of a file; those of real ones are a few thousand.
const FILE_LIMIT: u64 = 1 << 20;
/// Most files that are read.
const FILES: usize = 32;
/// How many folders above are looked into, where a folder has none of the files.
const ABOVE: usize = 8;

/// What a project declares.
#[derive(Debug, Default)]
pub struct Project {
    /// The folder whose files they are; `None` if neither it nor those above have any.
    pub folder: Option<PathBuf>,
    /// The names of the files that were read.
    pub files: Vec<String>,
    /// The names of those that could not be understood.
    pub unread: Vec<String>,
    /// In the order of the table.
    pub found: Vec<Found>,
    declared: BTreeMap<Package, BTreeSet<String>>,
}

/// A framework that a project uses, and the files that say so.
#[derive(Debug)]
pub struct Found {
    pub framework: &'static Framework,
    pub files: Vec<String>,
}

/// The name of a package as its registry compares names, maybe with an extra in brackets.
type Package = (Language, String);

impl Project {
    /// Reads the files of a folder, or of the nearest above that has some.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folders = folder.ancestors().take(ABOVE);
        folders.map(Self::in_folder).find(|project| project.folder.is_some()).unwrap_or_default()
    }

    /// Whether a package is declared; a version after its name does not matter.
    #[must_use]
    pub fn has(&self, language: Language, package: &str) -> bool {
        let name = match package.rfind('@') {
            Some(at) if at > 0 => &package[..at],
            _ => package,
        };
        self.declared.contains_key(&(language, name.to_owned()))
    }

    fn in_folder(folder: &Path) -> Self {
        let mut project = Self::default();
        for (name, path) in manifests(folder) {
            let Some(text) = read(&path) else {
                project.unread.push(name);
                continue;
            };
            let (language, packages) = match name.as_str() {
                "package.json" => (Language::Node, package_json(&text)),
                "pyproject.toml" | "Pipfile" => (Language::Python, python_toml(&text)),
                _ => (Language::Python, Some(requirements(&text))),
            };
            match packages {
                Some(packages) => {
                    for package in packages {
                        project.declared.entry((language, package)).or_default().insert(name.clone());
                    }
                    project.files.push(name);
                }
                None => project.unread.push(name),
            }
        }
        if !project.files.is_empty() || !project.unread.is_empty() {
            project.folder = Some(folder.to_owned());
        }
        project.found = FRAMEWORKS.iter().filter_map(|framework| project.find(framework)).collect();
        project
    }

    fn find(&self, framework: &'static Framework) -> Option<Found> {
        let declared = |package: &&str| self.declared.get(&(framework.language, (*package).to_owned()));
        let files: BTreeSet<&String> = framework.packages.iter().filter_map(declared).flatten().collect();
        (!files.is_empty()).then(|| Found { framework, files: files.into_iter().cloned().collect() })
    }
}

/// The files of a folder that declare packages: their names and paths.
fn manifests(folder: &Path) -> Vec<(String, PathBuf)> {
    let is_requirements = |name: &str| {
        name.starts_with("requirements") && Path::new(name).extension().is_some_and(|ending| ending == "txt")
    };
    let listed = |folder: &Path, prefix: &str, all: bool| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_text = Path::new(&name).extension().is_some_and(|ending| ending == "txt");
            (is_requirements(&name) || all && is_text).then(|| (format!("{prefix}{name}"), entry.path()))
        });
        files.collect::<Vec<_>>()
    };
    let mut found = listed(folder, "", false);
    found.extend(listed(&folder.join("requirements"), "requirements/", true));
    found.sort();
    let named = ["pyproject.toml", "Pipfile", "package.json"].map(|name| (name.to_owned(), folder.join(name)));
    let mut all: Vec<_> = named.into_iter().chain(found).filter(|(_, path)| path.is_file()).collect();
    all.truncate(FILES);
    all
}

/// The text of a file; `None` if it cannot be read or is too long.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(FILE_LIMIT + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= FILE_LIMIT).then_some(text)
}

/// The packages of a line such as `Strands_Agents[otel,a2a]>=1.0 ; python_version > "3.9"`: `strands-agents` and one for
/// each extra, `strands-agents[otel]`.
fn requirement(line: &str) -> Vec<String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with('-') {
        return Vec::new();
    }
    let name = normal(name);
    let extras = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(extras, _)| extras);
    let extras = extras.into_iter().flat_map(|extras| extras.split(','));
    let with: Vec<String> = extras.map(|extra| format!("{name}[{}]", normal(extra.trim()))).collect();
    [name].into_iter().chain(with).collect()
}

/// A name as `PyPI` compares names: in lower case, with a hyphen for each run of `-`, `_` and `.`.
pub(super) fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

fn requirements(text: &str) -> Vec<String> {
    text.lines().flat_map(requirement).collect()
}

/// The packages of a `pyproject.toml`, of its project, its groups, Poetry and uv, or of a `Pipfile`. `None` if it is no
/// TOML.
fn python_toml(text: &str) -> Option<Vec<String>> {
    use toml::Value;
    let file: toml::Table = text.parse().ok()?;
    let table = |path: &[&str]| {
        let mut at = &file;
        for name in path {
            at = at.get(*name)?.as_table()?;
        }
        Some(at)
    };
    let mut lines: Vec<&Value> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let project = table(&["project"]);
    lines.extend(
        project.and_then(|project| project.get("dependencies")).and_then(Value::as_array).into_iter().flatten(),
    );
    let groups = [table(&["project", "optional-dependencies"]), table(&["dependency-groups"])];
    let groups = groups.into_iter().flatten().flat_map(toml::Table::values);
    lines.extend(groups.filter_map(Value::as_array).flatten());
    lines.extend(
        table(&["tool", "uv"])
            .and_then(|uv| uv.get("dev-dependencies"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten(),
    );
    // By name: Poetry's, those of its groups, and a Pipfile's.
    let poetry = table(&["tool", "poetry", "group"]).into_iter().flat_map(toml::Table::values);
    let poetry = poetry.filter_map(|group| group.get("dependencies")?.as_table());
    let by_name = [
        table(&["tool", "poetry", "dependencies"]),
        table(&["tool", "poetry", "dev-dependencies"]),
        table(&["packages"]),
        table(&["dev-packages"]),
    ];
    for (name, value) in by_name.into_iter().flatten().chain(poetry).flatten() {
        let extras = value.get("extras").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let extras = extras.collect::<Vec<_>>().join(",");
        names.push(if extras.is_empty() { name.clone() } else { format!("{name}[{extras}]") });
    }
    let lines = lines.into_iter().filter_map(Value::as_str);
    Some(lines.flat_map(requirement).chain(names.iter().flat_map(|name| requirement(name))).collect())
}

/// The packages of a `package.json`; `None` if it is none.
fn package_json(text: &str) -> Option<Vec<String>> {
    let file: serde_json::Value = serde_json::from_str(text).ok()?;
    let file = file.as_object()?;
    let kinds = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];
    let all = kinds.iter().filter_map(|kind| file.get(*kind)?.as_object());
    Some(all.flat_map(|packages| packages.keys().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> Project {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Project::in_folder(folder.path())
    }

    fn names(project: &Project) -> Vec<&str> {
        project.found.iter().map(|found| found.framework.name).collect()
    }

    #[test]
    fn every_way_of_declaring_a_package_is_read() {
        for (file, text) in [
            ("requirements.txt", "# ours\n-r base.txt\nStrands_Agents[otel,a2a]>=1.0 ; python_version > '3.9'\n"),
            ("requirements-dev.txt", "strands.agents[otel]"),
            ("requirements/base.txt", "strands-agents[otel]==1.2"),
            ("pyproject.toml", "[project]\ndependencies = ['strands-agents[otel]']"),
            ("pyproject.toml", "[project.optional-dependencies]\nall = ['strands-agents[otel]']"),
            ("pyproject.toml", "[dependency-groups]\ndev = [{include-group = 'x'}, 'strands-agents[otel]']"),
            ("pyproject.toml", "[tool.poetry.dependencies]\nstrands-agents = {version = '1', extras = ['otel']}"),
            ("pyproject.toml", "[tool.poetry.group.a.dependencies]\nstrands-agents = {extras = ['otel']}"),
            ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['strands-agents[otel]']"),
            ("Pipfile", "[packages]\nstrands-agents = {extras = ['otel']}"),
        ] {
            let project = project(&[(file, text)]);
            assert_eq!(names(&project), ["Strands Agents"], "{file}: {text}");
            assert_eq!(project.found[0].files, [file]);
            assert!(project.has(Language::Python, "strands-agents[otel]"), "{file}: {text}");
        }
    }

    #[test]
    fn a_package_of_node_is_none_of_python() {
        let text = r#"{"dependencies": {"ai": "^7", "@opentelemetry/api": "1"}, "devDependencies": {"openai": "6"}}"#;
        let project = project(&[("package.json", text), ("requirements.txt", "openai\nsideseat")]);
        assert_eq!(names(&project), ["SideSeat SDK with Amazon Bedrock", "AI SDK", "OpenAI", "OpenAI"]);
        assert!(project.has(Language::Node, "@opentelemetry/api@1.9") && project.has(Language::Node, "ai"));
        assert!(!project.has(Language::Python, "ai") && !project.has(Language::Python, "sideseat[aws]"));
    }

    #[test]
    fn what_is_no_manifest_is_said_and_the_others_are_read() {
        let project = project(&[("pyproject.toml", "= ["), ("package.json", "[]"), ("requirements.txt", "crewai")]);
        assert_eq!((project.unread.len(), names(&project)), (2, vec!["CrewAI"]));
        let nothing = Project::in_folder(tempfile::tempdir().unwrap().path());
        assert!(nothing.folder.is_none() && nothing.found.is_empty());
    }

    #[test]
    fn the_nearest_folder_above_with_such_a_file_is_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("src/agents");
        fs::create_dir_all(&within).unwrap();
        fs::write(folder.path().join("requirements.txt"), "smolagents").unwrap();
        let project = Project::of(&within);
        assert_eq!((project.folder.as_deref(), names(&project)), (Some(folder.path()), vec!["smolagents"]));
    }
}
