//! Figures for Prometheus, on an address of their own.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder,
};

use super::fault::Fault;
use crate::app::App;
use crate::flow::{health, logout};
use crate::hash::Class;

/// Requests counted and timed.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: Histogram,
}

impl Metrics {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// When a name is taken twice, which only a mistake here can cause.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("gerege_requests_total", "Answered requests by status class"),
            &["status"],
        )?;
        let seconds = Histogram::with_opts(
            HistogramOpts::new("gerege_request_seconds", "Time to answer, in seconds")
                .buckets(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]),
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self {
            registry,
            requests,
            seconds,
        })
    }

    /// Counts one answer.
    pub fn count(&self, status: StatusCode, took: Duration) {
        let class = match status.as_u16() / 100 {
            1 | 2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[class]).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// `GET /metrics` on the metrics address.
///
/// # Errors
/// When the database does not answer.
pub async fn show(app: web::Data<App>, metrics: web::Data<Metrics>) -> Result<HttpResponse, Fault> {
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&metrics.registry.gather(), &mut text)
        .map_err(|error| Fault::Broken(error.to_string()))?;
    let mut text = String::from_utf8(text).map_err(|error| Fault::Broken(error.to_string()))?;
    let hashes = app.hasher.count();
    text.push_str("# TYPE gerege_hashes_total counter\n");
    text.push_str(&format!("gerege_hashes_total {}\n", hashes.done));
    text.push_str("# TYPE gerege_hashes_shed_total counter\n");
    text.push_str(&format!("gerege_hashes_shed_total {}\n", hashes.shed));
    text.push_str("# TYPE gerege_hashes_waiting gauge\n");
    for (class, waiting) in Class::ALL.iter().zip(hashes.waiting) {
        text.push_str(&format!(
            "gerege_hashes_waiting{{class=\"{}\"}} {waiting}\n",
            class.name()
        ));
    }
    let unsent = health::unsent(&app).await?;
    text.push_str("# TYPE gerege_mails_unsent gauge\n");
    text.push_str(&format!("gerege_mails_unsent {unsent}\n"));
    let told = logout::count(&app, None).await?;
    text.push_str(
        "# HELP gerege_logouts Sign-outs that apps were to be told of in the last 7 days\n",
    );
    text.push_str("# TYPE gerege_logouts gauge\n");
    for (state, number) in [
        ("waiting", told.waiting),
        ("told", told.done),
        ("given_up", told.given_up),
    ] {
        text.push_str(&format!("gerege_logouts{{state=\"{state}\"}} {number}\n"));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}
