//! What `pollcost report` is asked for.

use super::super::args::{ReportFlags, ReportFormatFlag, ThemeFlag};
use super::super::failure::Failure;
use super::coloured;
use crate::io::draw::{FileKind, Style};
use crate::io::request::{Format, ReportRequest, Voice};
use crate::report::palette::Theme;
use crate::report::profile::{PROFILES, Profile, SCREEN};
use std::io::IsTerminal;

pub(super) fn report(flags: ReportFlags) -> Result<ReportRequest, Failure> {
    if flags.run.len() > 1 && flags.out.is_none() {
        return Err(Failure::bad_input(
            format!("{} runs, and no folder for what they are set side by side in", flags.run.len()),
            "name a new one with -o",
        ));
    }
    let kinds = kinds(&flags.format);
    let chosen = flags.figures.is_some() || flags.clients.is_some();
    let only_figures = flags.profile.is_some() || chosen || flags.dpi.is_some() || !kinds.is_empty();
    let profile = flags.profile.as_deref().map_or(Ok(SCREEN), profile)?;
    let theme = flags.theme.map(|theme| if theme == ThemeFlag::Dark { Theme::Dark } else { Theme::Light });
    let format = if flags.format.contains(&ReportFormatFlag::Json) { Format::Json } else { Format::Text };
    let style = Style {
        profile,
        theme: theme.unwrap_or(profile.theme),
        dpi: flags.dpi.unwrap_or(profile.dpi),
        kinds: if kinds.is_empty() { vec![FileKind::Svg, FileKind::Png] } else { kinds },
    };
    Ok(ReportRequest {
        runs: flags.run,
        out: flags.out,
        style,
        figures: flags.figures,
        clients: flags.clients,
        only_figures,
        from_facts: flags.from_facts,
        check: flags.check,
        voice: Voice { format, quiet: flags.quiet, colour: coloured(flags.color, std::io::stdout().is_terminal()) },
    })
}

fn kinds(formats: &[ReportFormatFlag]) -> Vec<FileKind> {
    let kind = |format: &ReportFormatFlag| match format {
        ReportFormatFlag::Text | ReportFormatFlag::Json => None,
        ReportFormatFlag::Svg => Some(FileKind::Svg),
        ReportFormatFlag::Png => Some(FileKind::Png),
        ReportFormatFlag::Pdf => Some(FileKind::Pdf),
        ReportFormatFlag::Csv => Some(FileKind::Csv),
    };
    let mut kinds: Vec<FileKind> = formats.iter().filter_map(kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

fn profile(name: &str) -> Result<Profile, Failure> {
    Profile::named(name).ok_or_else(|| {
        let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        Failure::bad_input(
            format!("--profile {name}: there is none of that name"),
            format!("take one of {}", names.join(", ")),
        )
    })
}
