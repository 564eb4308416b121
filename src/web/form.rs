//! Forms of our own pages: read strictly, and only when they came from our own page in the same
//! browser.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};

use super::fault::Fault;
use super::token::{self, Verdict};
use super::visit::Visit;
use crate::flow::browser;
use crate::oauth::params::{MAX_BYTES, Params};
use crate::page::FieldError;
use crate::rng::digest;

/// A posted form with the visit that posted it.
pub struct Form {
    /// The visit.
    pub visit: Visit,
    fields: Params,
}

impl Form {
    /// A field as typed; empty when it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.fields.one(name).unwrap_or_default()
    }

    /// Whether a check box is ticked, or a button was pressed.
    pub fn has(&self, name: &str) -> bool {
        self.fields.one(name).is_some()
    }

    /// Whether a form came from our own page in the same browser (SECURITY R42).
    ///
    /// # Errors
    /// [`Fault::Page`].
    pub async fn check(visit: &Visit, request: &HttpRequest, fields: &Params) -> Result<(), Fault> {
        match judge(visit, request, fields).await? {
            Some(Late(fault)) => Err(fault),
            None => Ok(()),
        }
    }

    /// All fields.
    pub fn fields(&self) -> &Params {
        &self.fields
    }
}

impl FromRequest for Form {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Fault>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            match read(&request, &mut payload).await? {
                Posted { form, late: None } => Ok(form),
                Posted {
                    late: Some(Late(fault)),
                    ..
                } => Err(fault),
            }
        })
    }
}

/// A posted form whose page may have been shown too long ago, or before the person signed in or
/// out elsewhere.
pub struct Posted {
    form: Form,
    late: Option<Late>,
}

/// A form that may do nothing: it can be shown again, or the person be led on.
pub struct Late(Fault);

impl Late {
    /// What the page says over the answers that it kept, if it is ours and only old (UX 1.1).
    ///
    /// # Errors
    /// The fault, when it may be another's.
    pub fn old(self, visit: &Visit) -> Result<FieldError, Fault> {
        match self.0 {
            Fault::Page(OLD, _) => Ok(visit.app.page.error(&visit.lang, "", "form-old", &[])),
            fault => Err(fault),
        }
    }

    /// The fault that it is where nothing was typed.
    pub fn refuse(self) -> Fault {
        self.0
    }
}

impl Posted {
    /// The form, and whether it may do nothing.
    pub fn apart(self) -> (Form, Option<Late>) {
        (self.form, self.late)
    }
}

impl FromRequest for Posted {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Fault>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, &mut payload).await })
    }
}

async fn read(request: &HttpRequest, payload: &mut Payload) -> Result<Posted, Fault> {
    let visit = Visit::extract(request).await?;
    let bytes = whole(request, payload, URLENCODED).await?;
    let fields = Params::parse_form(&bytes).map_err(|_| Fault::unreadable())?;
    let late = judge(&visit, request, &fields).await?;
    Ok(Posted {
        form: Form { visit, fields },
        late,
    })
}

const OLD: StatusCode = StatusCode::CONFLICT;

/// Whether a form may do something. What came from another site is refused at once.
async fn judge(
    visit: &Visit,
    request: &HttpRequest,
    fields: &Params,
) -> Result<Option<Late>, Fault> {
    let forbidden = |name| Fault::Page(StatusCode::FORBIDDEN, name);
    if !is_same_origin(request, visit.app.config.issuer()) {
        return Err(forbidden("form"));
    }
    let Some(cookie) = visit.cookie() else {
        return Ok(Some(Late(forbidden("cookies"))));
    };
    let (sent, master) = (
        fields.one("form").unwrap_or_default(),
        visit.app.keys.master(),
    );
    let mut verdict = token::check(master, &digest(cookie), sent, visit.now);
    if verdict == Verdict::Forged
        && let Some(former) = browser::former(&visit.app, cookie).await?
    {
        // The second click of a double click: the page was shown before the first signed in.
        verdict = token::check(master, &former, sent, visit.now);
    }
    Ok(match verdict {
        Verdict::Good => None,
        Verdict::Old => Some(Late(Fault::Page(OLD, "form"))),
        Verdict::Forged => Some(Late(forbidden("form"))),
    })
}

/// The kind of our own forms, and of most that programs send.
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// How long a body may take to arrive.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Reads a body of JSON, up to its bound.
///
/// # Errors
/// [`Fault`].
pub async fn json(request: &HttpRequest, payload: &mut Payload) -> Result<web::BytesMut, Fault> {
    whole(request, payload, "application/json").await
}

/// The parameters of an urlencoded body.
///
/// # Errors
/// [`Fault`]; what is wrong with a parameter as [`Fault::Json`].
pub async fn body(request: &HttpRequest, payload: &mut Payload) -> Result<Params, Fault> {
    let bytes = whole(request, payload, URLENCODED).await?;
    Ok(Params::parse(&bytes)?)
}

/// A body of one kind, up to its bound.
async fn whole(
    request: &HttpRequest,
    payload: &mut Payload,
    wanted: &str,
) -> Result<web::BytesMut, Fault> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    if !kind.eq_ignore_ascii_case(wanted) {
        return Err(Fault::Page(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "bad-request",
        ));
    }
    let mut reading = pin!(collect(payload));
    // What came with the head needs no clock.
    if let Poll::Ready(read) = poll_fn(|task| Poll::Ready(reading.as_mut().poll(task))).await {
        return read;
    }
    tokio::time::timeout(PATIENCE, reading)
        .await
        .map_err(|_| Fault::Page(StatusCode::REQUEST_TIMEOUT, "bad-request"))?
}

async fn collect(payload: &mut Payload) -> Result<web::BytesMut, Fault> {
    let mut bytes = web::BytesMut::new();
    while let Some(piece) = next(payload).await {
        let piece = piece.map_err(|_| Fault::unreadable())?;
        if bytes.len() + piece.len() > MAX_BYTES {
            return Err(Fault::Page(StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

async fn next(payload: &mut Payload) -> Option<Result<web::Bytes, actix_web::error::PayloadError>> {
    use futures_core::Stream as _;
    std::future::poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await
}

/// Whether a POST came from our own pages. Programs without an origin pass: they still need the
/// page token. A page of another site always sends its origin with a POST (Fetch 3.2). Our own
/// pages send `null`, because they send no referrer; a browser then says where it stood when it
/// posted, and one that does not say is held to the page token.
pub fn is_same_origin(request: &HttpRequest, own: &str) -> bool {
    let read = |name: &str| request.headers().get(name).map(|value| value.to_str());
    match (read("origin"), read("sec-fetch-site")) {
        (Some(Err(_)), _) | (_, Some(Err(_))) => false,
        (Some(Ok(origin)), _) if origin != "null" => origin == own,
        (_, Some(Ok(site))) => site == "same-origin" || site == "none",
        (_, None) => true,
    }
}
