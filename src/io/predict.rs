//! `pollcost predict`: what is expected, without a run.

use std::path::Path;

use serde::Serialize;
use thiserror::Error;

use super::draw::{DrawError, Style, figure_files};
use super::files::{FileError, write_files};
use super::request::{PredictRequest, Predicted};
use super::simulation::{SimulationError, link_model};
use crate::report::figures;
use crate::report::forecast::{verdict_words, write_csv};
use crate::report::palette::Theme;
use crate::scenario::model::{Pacing, Scenario};
use crate::simulate::{Forecast, Model, Verdict, calculated};
use crate::time::Span;

/// Why nothing can be predicted, or not be written.
#[derive(Debug, Error)]
pub enum PredictError {
    /// The link cannot be had.
    #[error(transparent)]
    Link(SimulationError),
    /// A figure cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The link, in words.
    pub link: String,
    /// The host, in words.
    pub host: String,
    /// One for each client that theory covers.
    pub clients: Vec<Forecast>,
    /// The others.
    pub not_covered: Vec<String>,
    /// What keeps the budget, in words.
    pub budget: Option<String>,
    /// Whether anything does.
    #[serde(skip)]
    pub kept: bool,
}

/// Predicts, and writes what is to be written.
///
/// # Errors
/// When the link cannot be had, or files cannot be written.
pub fn predict(request: &PredictRequest) -> Result<Prediction, PredictError> {
    let scenario = &request.scenario;
    let model = link_model(scenario, &request.link).map_err(PredictError::Link)?;
    let mut prediction = Prediction {
        link: model.link.clone(),
        host: model.host.clone(),
        clients: Vec::new(),
        not_covered: Vec::new(),
        budget: None,
        kept: true,
    };
    for (index, client) in scenario.clients.iter().enumerate() {
        match Forecast::of(scenario, &model, index) {
            Some(forecast) => prediction.clients.push(forecast),
            None => prediction.not_covered.push(client.name.clone()),
        }
    }
    if let Some((budget, text)) = &request.budget {
        let callback = prediction.clients.iter().find(|f| f.asked_period.is_none());
        let verdict = budget.verdict(|sleep| sleeping(scenario, &model, sleep), callback);
        prediction.kept = !matches!(verdict, Verdict::Nothing { .. });
        prediction.budget = Some(verdict_words(text, &verdict));
    }
    if let Some(out) = &request.out {
        write(out, scenario, &prediction)?;
    }
    Ok(prediction)
}

/// The first poller with another sleep.
fn sleeping(scenario: &Scenario, model: &Model, sleep: Span) -> Option<Forecast> {
    let first = scenario.clients.iter().position(|client| client.pacing.is_some())?;
    let mut scenario = scenario.clone();
    let pacing = scenario.clients.get_mut(first)?.pacing.as_mut()?;
    *pacing = match pacing {
        Pacing::FixedRate { .. } if sleep > Span::ZERO => Pacing::FixedRate { period: sleep },
        Pacing::Jittered { jitter, .. } if sleep > Span::ZERO => Pacing::Jittered { period: sleep, jitter: *jitter },
        _ => Pacing::FixedDelay { period: sleep },
    };
    Forecast::of(&scenario, model, first)
}

fn write(out: &Path, scenario: &Scenario, prediction: &Prediction) -> Result<(), PredictError> {
    let summary = calculated(scenario, &prediction.clients);
    let (figures, _) = figures::all(&summary, scenario);
    let figures: Vec<_> = figures.into_iter().map(|figure| figure.marked("calculated")).collect();
    let mut files = figure_files(&figures, &Style::screen(Theme::Light))?;
    let mut table = Vec::new();
    let unwritten = |source| FileError { path: out.join("prediction.csv"), source };
    write_csv(&mut table, &prediction.clients).map_err(|e| unwritten(e.into()))?;
    files.push(("prediction.csv".to_owned(), table));
    files.push(("prediction.json".to_owned(), prediction.json().into_bytes()));
    Ok(write_files(out, &files)?)
}

impl Prediction {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Predicted {
    /// The scenario as TOML: changes, a callback and pollers.
    #[must_use]
    pub fn scenario_text(&self) -> String {
        let mut text = String::new();
        let last = self.pvs.saturating_sub(1);
        let range = if last == 0 { String::from("0") } else { format!("{{0..{last}}}") };
        text += &format!("title = 'a prediction'\n[[pv]]\nname = 'PV{range}'\nchange = {{ {} }}\n", self.change);
        text += "[[client]]\nname = 'callback'\nfetch = 'monitor'\n";
        for period in &self.periods {
            let name = period.to_string().replace(' ', "");
            text += &format!(
                "[[client]]\nname = 'poll-{name}'\nfetch = '{}'\npacing = '{}'\nperiod = '{}ns'\n",
                self.fetch, self.pacing, period.0
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, read};
    use crate::simulate::{Budget, Link};

    fn scenario(change: &str, fetch: &'static str, pacing: &'static str) -> Scenario {
        let predicted =
            Predicted { pvs: 20, change: change.to_owned(), periods: vec![Span::from_millis(10)], fetch, pacing };
        let text = predicted.scenario_text();
        read(Source { file: "t", name: "t", text: &text }, &|_| Err(String::new())).unwrap()
    }

    /// The range of sleeps that a budget is answered with is that of all sleeps, tried one after the other, that keep it.
    #[test]
    fn the_inverse_is_the_inverse() {
        // From 1 us to an hour, sixty in a decade.
        let sleeps: Vec<Span> = (0..=573).map(|i| Span((1e3 * 10f64.powf(f64::from(i) / 60.0)) as u64)).collect();
        let budgets = [
            "notice_p99<50ms,cpu<5%",
            "notice_mean<=3ms",
            "missed<10%,redundant<50%",
            "age_p99<300ms,requests<500",
            "age_peak<1s,wakeups<20",
            "notice_p50<1us",
            "cpu<0.0001%,notice_p99<1ms",
        ];
        let cases = [
            ("pattern = 'periodic', rate_hz = 10", "batch", "fixed-delay"),
            ("pattern = 'poisson', rate_hz = 10", "serial", "fixed-rate"),
            ("pattern = 'jittered', rate_hz = 5, jitter = 0.3", "batch", "fixed-rate"),
            ("pattern = 'pulse', rate_hz = 1, width = '20ms'", "cached", "fixed-delay"),
        ];
        for (change, fetch, pacing) in cases {
            let scenario = scenario(change, fetch, pacing);
            let model = Model::typical(&Link::default(), scenario.clients.len());
            let callback = Forecast::of(&scenario, &model, 0);
            for text in budgets {
                let budget = Budget::parse(text).unwrap();
                let keeps = |sleep: Span| sleeping(&scenario, &model, sleep).is_some_and(|f| budget.is_kept(&f));
                let verdict = budget.verdict(|sleep| sleeping(&scenario, &model, sleep), callback.as_ref());
                // The ends are rounded to three digits on the side that keeps the budget.
                let within = |sleep: Span, slack: f64| match &verdict {
                    Verdict::Polling { shortest, longest } => {
                        let (low, high) =
                            (shortest.0 as f64 / slack, longest.map_or(f64::INFINITY, |l| l.0 as f64 * slack));
                        (low..=high).contains(&(sleep.0 as f64))
                    }
                    Verdict::OnlyCallback { .. } | Verdict::Nothing { .. } => false,
                };
                for sleep in &sleeps {
                    let kept = keeps(*sleep);
                    let told = format!(
                        "{change}, {fetch}, {pacing}, {text}: a sleep of {sleep} keeps it: {kept}; {verdict:?}"
                    );
                    assert!(kept || !within(*sleep, 1.0), "{told}");
                    assert!(!kept || within(*sleep, 1.02), "{told}");
                }
                match verdict {
                    Verdict::OnlyCallback { .. } => assert!(budget.is_kept(callback.as_ref().unwrap()), "{text}"),
                    Verdict::Nothing { .. } => assert!(!budget.is_kept(callback.as_ref().unwrap()), "{text}"),
                    Verdict::Polling { .. } => {}
                }
            }
        }
    }
}
