//! The pages of the manual: one for each command, from its definition, and what is written by hand beside this file.
//!
//! A file here that is called as a command's page (`docker-credential-scoped-exec.1`) has sections that follow those
//! from the definition. Any other (`docker-credential-scoped-settings.5`) is a page of its own, from its NAME on. Titles
//! and SEE ALSO are made here for all of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;

/// What a page is called, `NAME.SECTION`, and its text.
pub(crate) type Pages = BTreeMap<String, Vec<u8>>;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// What is written by hand, by the name of its page.
pub(crate) fn written() -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/manual"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(PROGRAM) {
            found.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

/// The whole manual, as of a date.
pub(crate) fn pages(
    command: Command,
    date: &str,
    written: &BTreeMap<String, String>,
) -> anyhow::Result<Pages> {
    let mut command = answering_version(command);
    command.build();
    let mut pages = Pages::new();
    add_page(&command, &[], date, written, &mut pages)?;
    for (name, text) in written.iter().filter(|(name, _)| !name.ends_with(".1")) {
        let (title, section) = name.rsplit_once('.').unwrap_or((name, "7"));
        let mut page = heading(&command, title, section, date)?;
        page.extend_from_slice(text.as_bytes());
        page.extend_from_slice(see_also([(PROGRAM, "1")]).as_bytes());
        pages.insert(name.clone(), page);
    }
    if let Some(name) = written.keys().find(|name| !pages.contains_key(*name)) {
        anyhow::bail!("{name}: no command has that page");
    }
    Ok(pages)
}

/// The program's own flag, which the helper protocol answers and clap is never asked about.
pub(crate) fn answering_version(command: Command) -> Command {
    command.arg(
        Arg::new("version")
            .short('v')
            .long("version")
            .action(ArgAction::SetTrue)
            .help("Print name and version"),
    )
}

/// The page of a command and those of what is below it.
fn add_page(
    command: &Command,
    above: &[&str],
    date: &str,
    written: &BTreeMap<String, String>,
    pages: &mut Pages,
) -> anyhow::Result<()> {
    let title = command.get_display_name().unwrap_or(PROGRAM);
    let name = format!("{title}.1");
    // Without the word before it, which is a heading here.
    let usage = command.clone().render_usage().to_string();
    let mut usage = usage.trim_start_matches("Usage:").trim().to_owned();
    if above.is_empty() {
        usage = format!("{usage}\n{PROGRAM} <get|store|erase|list|version>");
    }
    let described = command
        .clone()
        .override_usage(usage)
        .subcommand_help_heading("COMMANDS");
    let man = Man::new(described);

    let mut page = heading(command, title, "1", date)?;
    section(&mut page, |text| man.render_name_section(text))?;
    section(&mut page, |text| man.render_synopsis_section(text))?;
    section(&mut page, |text| man.render_description_section(text))?;
    section(&mut page, |text| man.render_options_section(text))?;
    let below: Vec<_> = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
        .collect();
    if !below.is_empty() {
        section(&mut page, |text| man.render_subcommands_section(text))?;
    }
    if let Some(written) = written.get(&name) {
        page.extend_from_slice(written.as_bytes());
    }
    if above.is_empty() {
        let others = written.keys().filter_map(|name| name.rsplit_once('.'));
        let others = others.filter(|(_, section)| *section != "1");
        page.extend_from_slice(see_also(others.chain([("docker-login", "1")])).as_bytes());
    } else {
        page.extend_from_slice(see_also(above.iter().map(|name| (*name, "1"))).as_bytes());
    }
    pages.insert(name, page);

    let above = [above, &[title]].concat();
    for command in below {
        add_page(command, &above, date, written, pages)?;
    }
    Ok(())
}

/// A page's first lines.
fn heading(command: &Command, title: &str, section: &str, date: &str) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .title(title.to_uppercase())
        .section(section)
        .date(date)
        .source(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")))
        .manual("User Commands")
        .render_title(&mut text)?;
    // Nothing to type is broken at the end of a line, and none is stretched.
    text.extend_from_slice(b".nh\n.ad l\n");
    Ok(text)
}

/// A section as it stands in a page.
fn section(
    page: &mut Vec<u8>,
    render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    render(&mut text)?;
    let text = String::from_utf8(text)?;
    let mut before = "";
    // Each section comes with the definition of an apostrophe, which stands in the page's heading.
    for line in text
        .lines()
        .filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "))
    {
        match line {
            // Between paragraphs of an option's help.
            "" => page.extend_from_slice(b".sp"),
            line => {
                if line.starts_with(r"\- ") && !before.is_empty() {
                    page.extend_from_slice(b".br\n");
                }
                page.extend_from_slice(with_code_in_bold(line).as_bytes());
            }
        }
        page.push(b'\n');
        before = line;
    }
    Ok(())
}

/// What the definitions have in backquotes, for terminals without bold, is bold in the manual.
fn with_code_in_bold(line: &str) -> String {
    let mut parts = line.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(code), Some(rest)) = (parts.next(), parts.next()) {
        text = format!(r"{text}\fB{code}\fR{rest}");
    }
    text
}

fn see_also<'a>(pages: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pages: Vec<_> = pages
        .into_iter()
        .map(|(name, section)| format!(".BR {} ({section})", name.replace('-', r"\-")))
        .collect();
    format!(".SH SEE ALSO\n{}\n", pages.join(",\n").replace(",\n", " ,\n"))
}
