//! All files of a report, for the run that has just ended and for one that is drawn again.

use super::draw::{DrawError, Style, figure_files, pictures};
use crate::report::content::{Content, ReportInput};
use crate::report::palette::Theme;
use crate::report::{article, html, markdown};

/// `report.html`, `report.md` and the figures of some content, `(path below the run folder, bytes)`. The theme is that of the figure files; the
/// HTML follows the reader's screen.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn report_files(
    content: &Content,
    input: &ReportInput<'_>,
    theme: Theme,
) -> Result<Vec<(String, Vec<u8>)>, DrawError> {
    let mut files = figure_files(&content.figures, &Style::screen(theme))?;
    files.extend(article::files(content, input).map_err(|why| DrawError::Csv { id: "article", why })?);
    files.push(("report.html".to_owned(), html::render(content, &pictures(&content.figures)).into_bytes()));
    files.push(("report.md".to_owned(), markdown::render(content).into_bytes()));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::{self, Wish};

    #[test]
    fn a_report_is_whole_and_the_same_each_time() {
        let wish = Wish::default();
        let (summary, scenario, host) = (wish.summary(), wish.scenario(), synthetic::host());
        let input = ReportInput {
            summary: &summary,
            scenario: &scenario,
            excerpt: None,
            host: &host,
            when: "2026-03-01 14:05 UTC",
            simulated: None,
            command: "pollcost run quickstart",
            failures: &[],
        };
        let content = Content::new(&input);
        let files = report_files(&content, &input, Theme::Light).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.0.as_str()).collect();
        assert_eq!(names.len(), 39);
        let text = |name: &str| String::from_utf8(files.iter().find(|f| f.0 == name).unwrap().1.clone()).unwrap();
        let (page, markdown) = (text("report.html"), text("report.md"));
        assert_eq!(page.matches("<svg ").count(), 2 * 11);
        assert!(page.len() < 900_000, "{} bytes", page.len());
        for link in markdown.split("](").skip(1).filter_map(|part| part.split(')').next()) {
            assert!(names.contains(&link), "{link} is not written");
        }
        if let Some(folder) = std::env::var_os("POLLCOST_GALLERY").map(std::path::PathBuf::from) {
            for (name, content) in &files {
                let path = folder.join("report").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
        }
        assert!(report_files(&content, &input, Theme::Light).unwrap() == files);
    }
}
