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
