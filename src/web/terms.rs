//! `/terms`: the agreements to read, each version at its own address, and the file to save.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::fault::Fault;
use super::visit::Visit;
use crate::account::terms::Version;
use crate::flow::terms;
use crate::oauth::params::Params;
use crate::page::markdown;
use crate::page::view::{Document, TermsDocument, TermsList, TermsListed};

/// GET `/terms`: what is in force.
pub async fn list(visit: Visit) -> Result<HttpResponse, Fault> {
    let documents = terms::in_force(&visit.app, &visit.lang.code).await?;
    let view = TermsList {
        documents: documents.iter().map(listed).collect(),
    };
    visit.page(&visit.shell(), &view)
}

/// GET `/terms/{document}/{version}`: one version, whole; with `?download` its file.
pub async fn show(
    visit: Visit,
    http: HttpRequest,
    named: web::Path<(String, i64)>,
) -> Result<HttpResponse, Fault> {
    let (document_id, number) = named.into_inner();
    let all: Vec<Version> = terms::list(&visit.app)
        .await?
        .into_iter()
        .filter(|it| it.document == document_id)
        .collect();
    let version = nearest(&all, number, &visit.lang.code).ok_or(Fault::nothing())?;
    let params = Params::parse(http.query_string().as_bytes()).unwrap_or_default();
    if params.has("download") {
        let name = format!("{document_id}-{number}.{}.md", version.language);
        return Ok(HttpResponse::Ok()
            .content_type("text/markdown; charset=utf-8")
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ))
            .body(terms::file(version)));
    }
    let mut others: Vec<i64> = all.iter().map(|it| it.version).collect();
    others.sort_unstable_by(|one, other| other.cmp(one));
    others.dedup();
    let view = TermsDocument {
        document: document(version, false),
        sha256: version.sha256.clone(),
        versions: others
            .into_iter()
            .filter(|other| *other != number)
            .filter_map(|other| nearest(&all, other, &visit.lang.code))
            .map(listed)
            .collect(),
    };
    visit.page(&visit.shell(), &view)
}

/// A version in the language nearest to the reader's.
fn nearest<'a>(all: &'a [Version], number: i64, language: &str) -> Option<&'a Version> {
    let of = || all.iter().filter(move |it| it.version == number);
    of().find(|it| it.language.eq_ignore_ascii_case(language))
        .or_else(|| of().find(|it| it.language == "en"))
        .or_else(|| of().next())
}

fn listed(version: &Version) -> TermsListed {
    TermsListed {
        id: version.document.clone(),
        version: version.version.to_string(),
        title: version.title.clone(),
        in_force_at: version.in_force_at,
        summary: version.summary.first().cloned().unwrap_or_default(),
    }
}

/// A version as the pages show it, wherever it is to be read or accepted.
pub(super) fn document(version: &Version, ticked: bool) -> Document {
    Document {
        id: version.document.clone(),
        version: version.version.to_string(),
        language: version.language.clone(),
        title: version.title.clone(),
        in_force_at: version.in_force_at,
        summary: version.summary.clone(),
        changes: version.changes.join(" "),
        html: markdown(&version.text),
        optional: version.optional,
        ticked,
    }
}

/// Which versions a posted page had shown: document, version, language.
pub(super) fn seen(fields: &Params) -> Vec<(String, i64, String)> {
    fields
        .iter()
        .filter_map(|(name, value)| {
            let document = name.strip_prefix("seen_")?;
            let (version, language) = value.split_once('.')?;
            Some((
                document.to_owned(),
                version.parse().ok()?,
                language.to_owned(),
            ))
        })
        .collect()
}
